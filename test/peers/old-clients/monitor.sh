#!/bin/bash
# Starts a sync unless one is running, follows it on the dashboard, and checks the totals at the end.
BASE_URL=$1
ORG_ID=$2
TOKEN=$3
AUTH="Authorization: Bearer $TOKEN"

call() {
  curl -s -w '\n%{http_code}' -X "$1" -H "$AUTH" -H "Content-Type: application/json" "$BASE_URL$2"
}

expect_ok() {
  code=$(tail -n 1 <<<"$1")
  if [ "$code" -ne 200 ]; then
    echo "FAILED with HTTP $code: $(head -n -1 <<<"$1" | jq -r '.detail // .message')"
    exit 1
  fi
  head -n -1 <<<"$1"
}

started=$(expect_ok "$(call POST "/api/v1/cliniko/sync/schedule/$ORG_ID")") || { echo "$started"; exit 1; }
echo "Scheduled: $(jq -r .sync_scheduled <<<"$started") - $(jq -r .message <<<"$started")"

for i in {1..300}; do
  dashboard=$(expect_ok "$(call GET "/api/v1/cliniko/sync/dashboard/$ORG_ID")") || { echo "$dashboard"; exit 1; }
  if [ "$(jq -r '.current_sync == null' <<<"$dashboard")" = "true" ]; then break; fi
  jq -r '.current_sync | "\(.progress_percentage)% \(.current_step) (\(.active_patients_stored)/\(.patients_found))"' <<<"$dashboard"
  sleep 0.2
done

last=$(jq -r '.last_sync.status' <<<"$dashboard")
total=$(jq -r '.patient_stats.total_patients' <<<"$dashboard")
summary=$(expect_ok "$(call GET "/api/v1/dashboard/$ORG_ID")") || { echo "$summary"; exit 1; }
printf 'Sync %s, %d patients, rate %.1f%%, %s\n' "$last" "$total" \
  "$(jq -r '.summary.sync_percentage' <<<"$summary")" "$(jq -r '.summary.integration_status' <<<"$summary")"
[ "$last" = "completed" ] && [ "$total" -gt 0 ] && echo "SUCCESS"
