#!/usr/bin/env bash
# The main job: from the shipped article to a tuned expert, its report, and three real answers.
source "$(dirname "$0")/environment.sh" local
corpus-tuner build apollo-8
echo
# A question it was trained on, the same fact in other words, and one that the corpus says nothing about.
for question in \
  "On what date did the Apollo 8 astronauts return to Earth?" \
  "When did the astronauts of Apollo 8 come back to Earth?" \
  "Who discovered penicillin?"; do
  echo "> $question"
  corpus-tuner ask apollo-8 "$question"
done
