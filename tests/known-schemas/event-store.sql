-- An event store in partitions by month, those of the busy months by hash; a temporal ledger in partitions by list, then by range.
create table streams (id uuid primary key, category text not null check (category in ('order', 'cart', 'user')), version bigint not null check (version >= 0));
create table events (
  stream_id uuid not null references streams, position bigint generated always as identity, recorded_at timestamptz not null,
  type text not null check (type ~ '^[A-Z][A-Za-z]+$'), data jsonb not null check (jsonb_typeof(data) = 'object'), metadata jsonb,
  causation_id uuid, primary key (position, recorded_at)) partition by range (recorded_at);
create table events_2024_11 partition of events for values from ('2024-11-01') to ('2024-12-01');
create table events_2024_12 partition of events for values from ('2024-12-01') to ('2025-01-01') partition by hash (position);
create table events_2024_12_0 partition of events_2024_12 for values with (modulus 2, remainder 0);
create table events_2024_12_1 partition of events_2024_12 for values with (modulus 2, remainder 1);
create index on events (stream_id, position);
create table snapshots (stream_id uuid references streams, version bigint, state jsonb not null, primary key (stream_id, version));
create table books (code char(3) primary key check (code ~ '^[A-Z]{3}$'), name text not null, parent char(3) references books);
create table entries (
  book char(3) not null, region text not null, booked_on date not null, id bigint not null, debit numeric(14,2), credit numeric(14,2),
  valid_from date not null, valid_to date, constraint one_side check (num_nonnulls(debit, credit) = 1),
  constraint positive check (coalesce(debit, credit) > 0), check (valid_to is null or valid_to > valid_from),
  foreign key (book) references books, primary key (region, booked_on, id)) partition by list (region);
create table entries_eu partition of entries for values in ('de', 'fr') partition by range (booked_on);
create table entries_eu_2023 partition of entries_eu for values from ('2023-01-01') to ('2024-01-01');
create table entries_eu_2024 partition of entries_eu for values from ('2024-01-01') to ('2025-01-01');
create table entries_us partition of entries for values in ('us') partition by range (booked_on);
create table entries_us_2024 partition of entries_us for values from ('2024-01-01') to ('2024-07-01');
create table measurements (sensor int not null, at timestamp not null, value real) partition by range (date_trunc('day', at));
create table measurements_a partition of measurements for values from ('2024-06-01') to ('2024-06-03');
create table measurements_b partition of measurements for values from ('2024-06-03') to ('2024-06-10');
