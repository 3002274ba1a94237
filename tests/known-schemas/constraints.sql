-- Constraints that few schemas have, each once.
create extension btree_gist;
create type mood as enum ('sad', 'ok', 'glad');

-- Exclusion: open ends, closed days, closed numbers, shapes, and elements that something else keeps apart.
create table open_ends (
  id int primary key, room int not null, starts_at timestamptz not null, ends_at timestamptz,
  exclude using gist (room with =, tstzrange(starts_at, coalesce(ends_at, 'infinity')) with &&));
create table closed_days (
  id int primary key, room int not null, first_day date not null, last_day date, check (last_day >= first_day),
  exclude using gist (room with =, daterange(first_day, last_day, '[]') with &&));
create table closed_numbers (
  low int not null, high int not null, exclude using gist (int4range(low, high, '[]') with &&));
create table shapes (area circle, frame box, field polygon,
  exclude using gist (area with &&), exclude using gist (frame with &&), exclude using gist (field with &&));
create table cages (cage int, animal text, exclude using gist (cage with =, animal with <>));

-- Unique: a single row, an expression with a column beside it.
create table settings (name text, value text);
create unique index on settings ((true));
create table included (id int primary key, email text, note text);
create unique index on included (lower(email)) include (note);

-- No column that rows are loaded into.
create table nothing ();
create table computed (g int generated always as (5) stored);

create table vectors (small int2vector not null, oids oidvector not null);

-- Blanks behind a character(n) do not count.
create table padded (code char(3) not null check (length(code) > 1)) partition by list (code);
create table padded_a partition of padded for values in ('x', 'xy');
create table padded_b partition of padded for values in ('xyz');

-- Labels and bytes have an order that is not that of their letters.
create table moods (m mood, b bytea, n int not null, primary key (m, b)) partition by hash (b);
create table moods_0 partition of moods for values with (modulus 2, remainder 0);
create table moods_1 partition of moods for values with (modulus 2, remainder 1);
create table feelings (
  id int primary key, one_m mood not null, one_b bytea not null, two_m mood not null, two_b bytea not null,
  foreign key (one_m, one_b) references moods, foreign key (two_m, two_b) references moods,
  check (one_m <= two_m), check (one_b >= two_b));

-- Ranges of partitions over what has no scale, and keys that are computed.
create table by_word (word text primary key, rank int) partition by range (word);
create table by_word_first partition of by_word for values from (minvalue) to ('g');
create table by_word_next partition of by_word for values from ('g') to ('p');
create table by_word_codes partition of by_word for values from ('p00') to ('p99');
create table by_uuid (id uuid primary key) partition by range (id);
create table by_uuid_low partition of by_uuid for values from (minvalue) to ('80000000-0000-0000-0000-000000000000');
create table by_uuid_high partition of by_uuid
  for values from ('80000000-0000-0000-0000-000000000000') to ('ffffffff-0000-0000-0000-000000000000');
create table by_mood (feels mood) partition by range (feels);
create table by_mood_low partition of by_mood for values from ('sad') to ('glad');
create table by_month (at timestamp) partition by range (date_trunc('month', at));
create table by_month_january partition of by_month for values from ('2024-01-01') to ('2024-02-01');
create table by_address (address text) partition by list (lower(address));
create table by_address_two partition of by_address for values in ('a@example.org', 'b@example.org');
create table by_year (at date, kind int) partition by range (at);
create table by_year_2024 partition of by_year for values from ('2024-01-01') to ('2025-01-01') partition by list (kind);
create table by_year_2024_kinds partition of by_year_2024 for values in (1, 2, 3);

-- A pattern of a padded type, a condition that is false of a null, a counter that goes round.
create table works (iswc char(15) check (iswc ~ '^T-?\d{3}.?\d{3}.?\d{3}[-.]?\d$'));
create table entries (
  kind text, account int, check (coalesce(kind in ('section', 'note'), false) or account is not null));
create sequence round maxvalue 5 cycle;
create table rounds (id int primary key, number int not null default nextval('round'));

-- Unique among the roots alone: a text whose length is limited can differ in every row.
create table namespaces (
  id bigserial primary key, path varchar not null check (char_length(path) <= 255), parent_id bigint references namespaces,
  check (parent_id is distinct from id));
create unique index on namespaces (lower(path)) where parent_id is null;

-- Instants that are an interval apart.
create table terms (
  id int primary key, starts_at timestamptz not null, ends_at timestamptz not null, notice date, leaves date,
  check (ends_at >= starts_at + interval '36 hours'), check (leaves - notice >= 14));
