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
