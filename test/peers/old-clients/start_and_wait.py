#!/usr/bin/env python3
"""Starts a full sync through the progress API and waits for its end. Only the standard library."""
import json
import sys
import time
import urllib.error
import urllib.request

BASE_URL, ORGANIZATION_ID, TOKEN = sys.argv[1], sys.argv[2], sys.argv[3]


def request(method, path):
    call = urllib.request.Request(
        BASE_URL + path,
        method=method,
        data=b"" if method == "POST" else None,
        headers={
            "Authorization": "Bearer " + TOKEN,
            "Content-Type": "application/json",
            "x-organization-id": ORGANIZATION_ID,
        },
    )
    try:
        with urllib.request.urlopen(call, timeout=30) as response:
            return response.getcode(), json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def main():
    code, answer = request("POST", "/api/v1/sync/start/%s?sync_mode=full" % ORGANIZATION_ID)
    if code != 200:
        print("The start failed: %s %s" % (code, answer.get("detail")))
        return 1
    sync_id = answer["sync_id"]
    print("Sync ID: %s (%s)" % (sync_id, answer["status"]))
    while True:
        code, progress = request("GET", "/api/v1/sync/status/" + sync_id)
        if code != 200:
            print("The status failed: %s %s" % (code, progress.get("detail")))
            return 1
        print(
            "[%3d%%] step %d/%d %s - %d/%d patients"
            % (
                progress["progress_percentage"],
                progress["current_step_number"],
                progress["total_steps"],
                progress["current_step"],
                progress["active_patients_stored"],
                progress["patients_found"],
            )
        )
        if progress["status"] == "completed":
            print("SYNC COMPLETED: %d patients" % progress["records_processed"])
            return 0
        if progress["status"] in ("failed", "cancelled"):
            print("SYNC ENDED: " + "; ".join(progress["errors"]))
            return 1
        time.sleep(0.2)


sys.exit(main())
