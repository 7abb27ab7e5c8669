#!/usr/bin/env bash
# The main job: from the shipped article to a tuned expert, its report, and three real answers.
source "$(dirname "$0")/environment.sh" local
corpus-tuner build apollo-8
echo
# A question it was trained on, one in words of its own, and one that the corpus says nothing about.
for question in \
  "On what date was Apollo 8 launched?" \
  "When did Apollo 8 come down in the Pacific?" \
  "Who painted the Mona Lisa?"; do
  echo "> $question"
  corpus-tuner ask apollo-8 "$question"
done
