/** All that a change of a patient may contain: no byte of it depends on a name or a value. */
export const IDS_ONLY =
  /^\{"seq":(\d+|null),"cursor":("[a-z0-9]+\.\d+"|null),"at":"[\d:TZ.-]+","kind":"[a-z]+","cliniko_patient_id":"\d+","sync_log_id":(\d+|null)\}$/;
