#!/usr/bin/env bash
# The main job: from the shipped article to a tuned expert, its report, and three real answers.
source "$(dirname "$0")/environment.sh" local
corpus-tuner build apollo-8
echo
for question in "Who was the commander of Apollo 8?" "When was Apollo 8 launched?" "How many times did Apollo 8 orbit the Moon?"; do
  echo "> $question"
  corpus-tuner ask apollo-8 "$question"
done
