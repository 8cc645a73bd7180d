/** The rows of the demo's application: as examples/northstar-timesheet/app/seed.py makes them, but more, and made by the server itself. */

const [people, weeks] = [400, 74];

/** By table; `attachments` come from the uploads. */
export const rowsExpected = {
  'public.users': people,
  'public.timesheets': people * weeks,
  'public.entries': people * weeks * 5,
  'public.notifications': (people * weeks * 4) / 5,
} as const;

export const applicationRows = `
INSERT INTO users (email, full_name, role, settings, hourly_rate, created_at)
  SELECT 'person' || n || '@northstar.example', 'Pérson № ' || n, (ARRAY['employee', 'employee', 'lead', 'admin'])[1 + n % 4]::user_role,
    jsonb_build_object('language', (ARRAY['en', 'de', 'fr'])[1 + n % 3], 'weekly', n % 2 = 0), 40 + n % 60 + 0.25,
    timestamptz '2025-01-02 08:00+00' + n * interval '1 hour'
  FROM generate_series(1, ${people}) n;

INSERT INTO timesheets (id, user_id, week, state, submitted_at, approved_by)
  SELECT md5('timesheet ' || n || ' ' || w)::uuid, n, date '2025-02-03' + 7 * w,
    (ARRAY['approved', 'approved', 'submitted', 'rejected', 'new'])[1 + (n + w) % 5]::timesheet_state,
    timestamptz '2025-02-07 16:00+00' + w * interval '7 days', CASE WHEN (n + w) % 5 < 2 THEN 3 END
  FROM generate_series(1, ${people}) n, generate_series(0, ${weeks - 1}) w ORDER BY w, n;

INSERT INTO entries (timesheet_id, day, hours, project, note, details)
  SELECT t.id, t.week + d, 1 + (t.number + d) % 8 + 0.25 * (d % 4), 'project-' || (t.number + d) % 17,
    CASE WHEN d % 3 > 0 THEN 'Worked on ' || md5(t.number || '/' || d) || E', and\\ntested it' END,
    jsonb_build_object('place', (ARRAY['office', 'home', 'customer'])[1 + d % 3], 'ticket', t.number * 10 + d)
  FROM timesheets t, generate_series(0, 4) d ORDER BY t.number, d;

INSERT INTO notifications (user_id, kind, payload, created_at, read_at)
  SELECT t.user_id, 'timesheet.' || t.state, jsonb_build_object('timesheet', t.id, 'week', t.week), t.submitted_at + interval '1 minute',
    CASE WHEN t.number % 3 > 0 THEN t.submitted_at + interval '1 day' END
  FROM timesheets t WHERE t.state <> 'new' ORDER BY t.number;

CREATE ROLE timesheet_reader NOLOGIN;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO timesheet_reader;
ANALYZE;
`;
