CREATE TABLE usage_events (
  id bigserial,
  user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
  at timestamptz NOT NULL,
  seconds interval NOT NULL,
  cost numeric(12, 4) NOT NULL,
  PRIMARY KEY (at, id)
) PARTITION BY RANGE (at);
CREATE TABLE usage_events_2024 PARTITION OF usage_events FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2025-01-01 00:00+00');
CREATE TABLE usage_events_2025 PARTITION OF usage_events FOR VALUES FROM ('2025-01-01 00:00+00') TO ('2026-01-01 00:00+00');
CREATE INDEX usage_events_user ON usage_events (user_id, at);

CREATE VIEW user_usage AS
  SELECT u.id, u.name, u.plan, u.balance, count(f.id) AS files, coalesce(sum(f.size), 0) AS bytes
  FROM users u LEFT JOIN files f ON f.user_id = u.id GROUP BY u.id;

CREATE MATERIALIZED VIEW monthly_cost AS
  SELECT user_id, date_trunc('month', at AT TIME ZONE 'UTC') AS month, sum(cost) AS cost, sum(seconds) AS seconds FROM usage_events GROUP BY 1, 2;
CREATE UNIQUE INDEX monthly_cost_key ON monthly_cost (user_id, month);
