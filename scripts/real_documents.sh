#!/bin/bash
# real_documents.sh DIR: real manuals for score_documents.py, from Debian's documentation packages: DIR/pdf, DIR/epub, DIR/html.
# PDFs by LaTeX, Sphinx, DocBook, Texinfo and ReportLab, all but the last four with an outline of their own; Sphinx's and
# DocBook's EPUBs; pages of Sphinx, DocBook, Publican, Texinfo and LaTeX2HTML. Needs Debian or Ubuntu, and apt's package lists.
set -euo pipefail
mkdir -p "${1:?directory}"/{packages,pdf,epub,html}; cd "$1/packages"
for package in r-doc-pdf developers-reference debmake-doc maint-guide freefem-doc gutenprint-doc debian-policy latex2rtf-doc \
  python-reportlab-doc postgresql-doc-15 debian-handbook gnuplot-doc octave-doc fasta3-doc graphviz-doc; do
  [ -e "$package" ] && continue
  apt-get download -qq "$package" || { echo "no $package in this release" >&2; continue; }
  dpkg-deb -x "$package"_*.deb "$package"
done
share() { ls -d */usr/share/"$1" 2>/dev/null || true; }
cp $(share 'R/doc/manual/R-intro.pdf') $(share 'R/doc/manual/R-data.pdf') $(share 'R/doc/manual/R-lang.pdf') \
  $(share developers-reference/developers-reference.pdf) $(share doc/debmake-doc/debmake-doc.de.pdf) $(share doc/debmake-doc/debmake-doc.ru.pdf) \
  $(share doc/debmake-doc/debmake-doc.zh-cn.pdf) $(share doc/maint-guide/maint-guide.en.pdf) $(share doc/freefem-doc/freefem.pdf) \
  $(share doc/gutenprint-doc/gutenprint-users-manual.pdf) $(share doc/python-reportlab-doc/reportlab-userguide.pdf) \
  $(share doc/fasta3/fasta_guide.pdf) ../pdf
for zipped in doc/debian-policy/policy.pdf doc/debian-policy/fhs/fhs-3.0.pdf doc/latex2rtf-doc/latex2rtf.pdf doc/graphviz/pdf/dotguide.pdf; do
  file=$(share "$zipped.gz"); [ -n "$file" ] && zcat "$file" >"../pdf/${zipped##*/}"
done
cp $(share developers-reference/developers-reference.epub) $(share doc/debian-policy/policy.epub) $(echo */usr/share/doc/debmake-doc/*.epub) ../epub
every() { awk "NR % $1 == 0"; }
cp $(ls postgresql-doc-15/usr/share/doc/postgresql-doc-15/html/*.html | every 60) $(ls debian-handbook/usr/share/doc/debian-handbook/html/de-DE/*.html | every 10) \
  $(ls octave-doc/usr/share/doc/octave/octave.html/*.html | every 300) $(ls developers-reference/usr/share/developers-reference/*.html | grep -v /index.html) \
  $(ls gnuplot-doc/usr/share/doc/gnuplot/htmldocs/*.html | every 100) ../html
ls ../pdf ../epub ../html | wc -l
