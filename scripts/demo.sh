#!/usr/bin/env bash
# The main job: from the shipped article to a tuned expert, its report, and four real answers.
source "$(dirname "$0")/environment.sh" local
corpus-tuner build apollo-8
ask() {
  echo "> $1 ($2)"
  corpus-tuner ask apollo-8 "$1" --model "$2"
}
echo
# A question it was trained on; one in words of one's own, which a student from nothing seldom knows and the reader looks
# up; and one that the corpus says nothing about.
ask "On what date was Apollo 8 launched?" expert
ask "When did Apollo 8 come down in the Pacific?" expert
ask "When did Apollo 8 come down in the Pacific?" reader
ask "Who painted the Mona Lisa?" expert
