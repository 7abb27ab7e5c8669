"""Questions from English sentences by rule: words, spans to ask for, certain clauses, direct questions, completions."""
