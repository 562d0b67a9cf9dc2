"""Keeps a SQLite file equal to the patients of one clinic: Python's standard library and HTTP. It can be ended at any time.

export PATIENT_SYNC_URL=https://sync.example PATIENT_SYNC_TOKEN=pst_... ORGANIZATION=123
python3 follow_patients.py patients.sqlite
"""
import json, os, sqlite3, sys, time, urllib.parse, urllib.request

BASE = f"{os.environ['PATIENT_SYNC_URL']}/api/v1/cliniko/patients/{os.environ['ORGANIZATION']}"
HEADERS = {"Authorization": f"Bearer {os.environ.get('PATIENT_SYNC_TOKEN', '-')}"}
copy = sqlite3.connect(sys.argv[1])
copy.execute("CREATE TABLE IF NOT EXISTS patients (id TEXT PRIMARY KEY, patient TEXT)")
copy.execute("CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY, cursor TEXT)")

def ask(path, **query):
    request = urllib.request.Request(f"{BASE}{path}?{urllib.parse.urlencode(query)}", headers=HEADERS)
    return json.load(urllib.request.urlopen(request, timeout=60))

def step():
    place = copy.execute("SELECT cursor FROM place").fetchone() or ["all"]
    answer = ask("/changes", since=place[0], limit=100)
    if not answer["recovered"]:  # The server no longer has what follows: the copy starts again.
        copy.execute("DELETE FROM patients")
        copy.execute("DELETE FROM place")
        return copy.commit() or True
    if answer["changes"]:
        ids = {change["cliniko_patient_id"] for change in answer["changes"]}
        found = ask("", ids=",".join(ids))["patients"]  # In every state. An erased patient is not among them.
        copy.executemany("DELETE FROM patients WHERE id = ?", [(id,) for id in ids])
        copy.executemany("INSERT INTO patients VALUES (?, ?)", [(p["cliniko_patient_id"], json.dumps(p)) for p in found])
    copy.execute("INSERT OR REPLACE INTO place VALUES (1, ?)", [answer["next"]])
    copy.commit()  # The patients and the place, or neither.
    return answer["changes"]

while True:
    try:
        if not step(): time.sleep(1)
    except (OSError, ValueError, KeyError) as error:  # The server restarts, or a proxy answers.
        copy.rollback()
        print(type(error).__name__, error, file=sys.stderr)
        time.sleep(1)
