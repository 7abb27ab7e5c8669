"""OpenAI's files, fine-tuning, models and chat protocol over HTTP, on one's own machine (extra `serve`).

app.py puts it together: guard.py stands before every request, and origin.py knows whose pages may send one; files.py,
job_routes.py, library.py and chat.py answer it; state.py keeps what must survive a kill; supervisor.py starts worker.py,
which checks files and trains.
"""
