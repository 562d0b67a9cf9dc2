#!/usr/bin/env python3
"""Walks through the whole old API, step by step, and counts what passed. Only the standard library."""
import http.client
import json
import sys
import time
from urllib.parse import urlsplit

STEP_TEXTS = {
    "initializing": "Initializing",
    "checking_config": "Checking the configuration",
    "validating_credentials": "Validating the credentials",
    "fetching_patients": "Fetching patients from Cliniko",
    "storing_patients": "Storing patients",
    "checking_deletions": "Checking for deleted patients",
    "completed": "Completed",
}


class Tester:
    def __init__(self, base_url, organization_id, token):
        self.address = urlsplit(base_url).netloc
        self.organization_id = organization_id
        self.headers = {"Authorization": "Bearer " + token, "Accept": "application/json"}
        self.results = []

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.address, timeout=30)
        headers = dict(self.headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, json.loads(text)

    def expect(self, name, passed, words=""):
        self.results.append(passed)
        print("%s %s %s" % ("PASS" if passed else "FAIL", name, words))
        return passed

    def run(self):
        org = self.organization_id
        status, health = self.call("GET", "/health")
        self.expect("health", status == 200 and health["status"] == "healthy", health["version"])

        status, connection = self.call("GET", "/api/v1/cliniko/test-connection/%s" % org)
        self.expect(
            "connection",
            status == 200 and connection["success"] is True,
            "%d practitioners, %d patients" % (connection["practitioners_count"], connection["total_patients_available"]),
        )

        status, before = self.call("GET", "/api/v1/cliniko/status/%s" % org)
        self.expect("status before", status == 200, "%.1f%%" % before["sync_percentage"])

        # A body that the old service ignored as well.
        status, started = self.call("POST", "/api/v1/cliniko/sync/%s?mode=comprehensive" % org, json.dumps({"force": True}))
        if not self.expect("start", status == 200 and started["success"] is True, started["message"]):
            return
        log = self.wait()
        self.expect("sync", log["status"] == "completed", log["error_details"] or "")
        self.expect("rate", log["metadata"]["success_rate"] == 100, "%.1f%%" % log["metadata"]["success_rate"])

        status, after = self.call("GET", "/api/v1/cliniko/status/%s/" % org)
        self.expect("time moved", status == 200 and after["last_sync_time"] != before["last_sync_time"])
        self.expect("all are stored", after["total_patients"] == connection["total_patients_available"])
        status, patients = self.call("GET", "/api/v1/cliniko/active-patients/%s?limit=5" % org)
        self.expect("patients", status == 200 and len(patients["active_patients"]) == 5)
        for patient in patients["active_patients"]:
            self.expect("patient", "%s %d" % (patient["name"], patient["total_appointment_count"]) != "")
        status, summary = self.call("GET", "/api/v1/cliniko/active-patients-summary/%s" % org)
        self.expect("summary", status == 200 and summary["total_active_patients"] == patients["total_count"])
        status, history = self.call("GET", "/api/v1/sync/history/%s?limit=10" % org)
        self.expect("history", status == 200 and history["total_syncs"] == len(history["recent_syncs"]))
        status, services = self.call("GET", "/api/v1/admin/organization-services/%s" % org)
        self.expect("services", status == 200 and services["primary_service"] == "cliniko")

    def wait(self):
        shown = None
        while True:
            status, answer = self.call("GET", "/api/v1/cliniko/sync-logs/%s?limit=1" % self.organization_id)
            assert status == 200, answer
            log = answer["logs"][0]
            step = log["metadata"]["step"]
            if step != shown:
                print("  %s: %.1f%%" % (STEP_TEXTS.get(step, "unknown"), log["metadata"]["progress_percent"]))
                self.expect("step", step in STEP_TEXTS)
                shown = step
            if log["status"] in ("completed", "failed"):
                return log
            time.sleep(0.2)


tester = Tester(sys.argv[1], sys.argv[2], sys.argv[3])
tester.run()
print("%d of %d passed" % (sum(tester.results), len(tester.results)))
sys.exit(0 if all(tester.results) else 1)
