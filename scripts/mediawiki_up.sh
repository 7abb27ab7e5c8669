#!/bin/bash
# mediawiki_up.sh PORT DIR [export.xml | export.xml.gz | export.xml.bz2 ...]      mediawiki_up.sh stop DIR
#
# Brings up a real MediaWiki (Debian's packaged 1.39 on SQLite, PHP's own web server) on 127.0.0.1:PORT as a target for
# tests. Needs Debian or Ubuntu; installs PHP's packages by apt if they are missing, as root or by `sudo -n`.
# Safe to call again: every finished step is skipped.
#   DIR/conf   LocalSettings.php      DIR/db   SQLite files      DIR/server.pid, DIR/server.log
# Page and revision ids are given anew by the import; titles, texts, timestamps and redirects are kept.
#
# Environment: MW_CODE      where MediaWiki's PHP tree is unpacked, once for many DIRs (default DIR/code)
#              MW_NO_SERVE  set: install and import only
#              MW_NO_APT    set: fail rather than install a package
set -euo pipefail
say() { echo "[mediawiki_up] $*" >&2; }

if [ "${1:-}" = stop ]; then
  pid=$(cat "${2:?directory}/server.pid" 2>/dev/null || true)
  [ -n "$pid" ] && kill -TERM -- "-$pid" 2>/dev/null
  rm -f "$2/server.pid"; exit 0
fi

PORT=${1:?port}; mkdir -p "${2:?directory}"; DIR=$(readlink -f "$2"); shift 2
mkdir -p "$DIR"/{conf,db,htdocs,stage,cache,images} "${MW_CODE:=$DIR/code}"; CODE=$(readlink -f "$MW_CODE")
BASE="http://127.0.0.1:$PORT"
export MW_CONFIG_FILE="$DIR/conf/LocalSettings.php" MW_SERVER="$BASE"
PHP=(php -d memory_limit=1024M -d error_reporting=0 -d display_errors=0)

# 1. PHP. The mediawiki package itself is unpacked and not installed, so that no apache2 and no database server comes.
missing=()
for package in php-cli php-sqlite3 php-mbstring php-xml php-intl php-apcu; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
SUDO=(); [ "$(id -u)" = 0 ] || SUDO=(sudo -n)
if [ ${#missing[@]} -gt 0 ]; then
  [ -n "${MW_NO_APT:-}" ] && { say "missing: apt-get install ${missing[*]}"; exit 3; }
  say "apt: ${missing[*]}"
  "${SUDO[@]}" apt-get update -qq
  "${SUDO[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$DIR/apt.log" 2>&1
fi

# 2. MediaWiki's code; one process unpacks it, others wait.
exec 9>"$CODE/.lock"; flock 9
if [ ! -e "$CODE/.unpacked" ]; then
  say "unpacking mediawiki into $CODE"
  tmp=$(mktemp -d "$CODE/unpack.XXXXXX")
  ( cd "$tmp"
    apt-get download mediawiki mediawiki-classes >/dev/null 2>&1 ||  # a fresh container has no package lists yet
      { "${SUDO[@]}" apt-get update -qq; apt-get download mediawiki mediawiki-classes >/dev/null 2>&1; }
    for package in *.deb; do dpkg-deb -x "$package" root; done )
  source="$tmp/root/usr/share/mediawiki"
  rm -rf "$source"/{extensions,extensions-core,config,images,LocalSettings.php}  # links into /var/lib; no extension is used
  mkdir "$source/extensions"
  cp -a "$source/." "$CODE/"; rm -rf "$tmp"; touch "$CODE/.unpacked"
fi
flock -u 9; exec 9>&-

# 3. The wiki: a headless installation on SQLite.
if [ ! -e "$DIR/stage/installed" ]; then
  say "installing"
  rm -f "$DIR/conf/LocalSettings.php" "$DIR"/db/*
  ( unset MW_CONFIG_FILE
    "${PHP[@]}" "$CODE/maintenance/install.php" --dbtype sqlite --dbpath "$DIR/db" --dbname wiki --server "$BASE" \
      --scriptpath /w --lang en --confpath "$DIR/conf" --pass "loopback-only-pass" "TestWiki" Admin ) >"$DIR/install.log" 2>&1
  cat >>"$DIR/conf/LocalSettings.php" <<'PHP'

# ---- added by mediawiki_up.sh
if ( getenv( 'MW_SERVER' ) ) { $wgServer = getenv( 'MW_SERVER' ); $wgCanonicalServer = $wgServer; }
$wgScriptPath = '/w';
$wgArticlePath = '/wiki/$1';
$wgRightsUrl = 'https://creativecommons.org/licenses/by-sa/4.0/';
$wgRightsText = 'Creative Commons Attribution-ShareAlike 4.0';
$wgMainCacheType = CACHE_ACCEL;
$wgSessionCacheType = CACHE_DB;
$wgParserCacheType = CACHE_DB;
$wgCacheDirectory = dirname( __DIR__ ) . '/cache';
$wgUploadDirectory = dirname( __DIR__ ) . '/images';
$wgJobRunRate = 0;
$wgDefaultSkin = 'vector';
wfLoadSkin( 'Vector' );
# A one-file database has no replicas, so that maxlag never trips by itself. With a number of seconds in conf/lag
# MediaWiki answers a smaller maxlag= with its own maxlag error, until the file is deleted.
$wgHooks['ApiMaxLagInfo'][] = static function ( &$info ) {
	$file = __DIR__ . '/lag';
	if ( is_file( $file ) ) { $info = [ 'host' => 'test-replica', 'lag' => (float)file_get_contents( $file ), 'type' => 'db' ]; }
};
PHP
  touch "$DIR/stage/installed"
fi

# 4. Imports, each file once (by its content).
for export in "$@"; do
  key=$(sha256sum "$export" | cut -c1-16)
  [ -e "$DIR/stage/import-$key" ] && continue
  say "importing $export"
  case $export in *.gz) cat=zcat;; *.bz2) cat=bzcat;; *) cat=cat;; esac
  $cat "$export" | "${PHP[@]}" "$CODE/maintenance/importDump.php" --username-prefix imported >"$DIR/import-$key.log" 2>&1 ||
    { say "the import failed: see $DIR/import-$key.log"; exit 4; }
  touch "$DIR/stage/import-$key"
done

# 5. The web server: /w/*.php and /wiki/Title.
[ -n "${MW_NO_SERVE:-}" ] && exit 0
ln -sfn "$CODE" "$DIR/htdocs/w"
cat >"$DIR/router.php" <<'PHP'
<?php
$path = parse_url( $_SERVER['REQUEST_URI'], PHP_URL_PATH );
if ( strncmp( $path, '/wiki/', 6 ) === 0 ) {
  $_GET['title'] = $_REQUEST['title'] = rawurldecode( substr( $path, 6 ) );
  $_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = '/w/index.php';
  $_SERVER['SCRIPT_FILENAME'] = $_SERVER['DOCUMENT_ROOT'] . '/w/index.php';
  chdir( $_SERVER['DOCUMENT_ROOT'] . '/w' );
  require $_SERVER['DOCUMENT_ROOT'] . '/w/index.php';
  return true;
}
if ( preg_match( '#^/w/(?:api|index|load)\.php#', $path ) ) { return false; }
http_response_code( 404 );
return true;
PHP
probe() { "${PHP[@]}" -r 'exit( strpos( (string)@file_get_contents( $argv[1] ), "\"generator\":\"MediaWiki" ) === false ? 1 : 0 );' \
  "$BASE/w/api.php?action=query&meta=siteinfo&format=json"; }
probe && { say "port $PORT is taken"; exit 1; }
PHP_CLI_SERVER_WORKERS=2 setsid php -d memory_limit=512M -d display_errors=0 -d opcache.enable=1 -d apc.enable_cli=1 \
  -S "127.0.0.1:$PORT" -t "$DIR/htdocs" "$DIR/router.php" >"$DIR/server.log" 2>&1 </dev/null &
echo $! >"$DIR/server.pid"
for _ in $(seq 150); do
  probe && { echo "$BASE/w/api.php"; exit 0; }
  kill -0 "$(cat "$DIR/server.pid")" 2>/dev/null || break
  sleep 0.2
done
say "the server does not answer"; tail -5 "$DIR/server.log" >&2
"$0" stop "$DIR"; exit 1
