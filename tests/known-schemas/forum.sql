-- A Rails forum and its like: soft deletes, polymorphic joins, arrays, jsonb, partial and expression indexes.
create table schema_migrations (version varchar primary key);
create table ar_internal_metadata (key varchar primary key, value varchar, created_at timestamp(6) not null, updated_at timestamp(6) not null);
create table accounts (
  id bigserial primary key, username varchar default '' not null, domain varchar, private_key text, public_key text default '' not null,
  created_at timestamp(6) not null, updated_at timestamp(6) not null, note text default '' not null, display_name varchar default '' not null,
  uri varchar default '' not null, locked boolean default false not null, moved_to_account_id bigint, fields jsonb,
  actor_type varchar, discoverable boolean, also_known_as varchar[], silenced_at timestamp, suspended_at timestamp, protocol int default 0 not null);
create unique index index_accounts_on_username_and_domain_lower on accounts (lower(username), coalesce(lower(domain), ''));
create index index_accounts_on_uri on accounts (uri);
alter table accounts add constraint fk_moved foreign key (moved_to_account_id) references accounts on delete set null;
create table users (
  id bigserial primary key, email varchar default '' not null, encrypted_password varchar default '' not null, reset_password_token varchar,
  sign_in_count int default 0 not null, current_sign_in_ip inet, account_id bigint not null references accounts on delete cascade,
  admin boolean not null default false, trust_level int not null default 0 check (trust_level between 0 and 4), locale varchar(10),
  settings jsonb not null default '{}', created_at timestamp(6) not null, updated_at timestamp(6) not null);
create unique index index_users_on_email on users (lower(email));
create unique index index_users_on_reset_password_token on users (reset_password_token) where reset_password_token is not null;
create index index_users_on_account_id on users (account_id);
create table categories (id serial primary key, name varchar(50) not null, slug varchar not null, parent_category_id int references categories,
  position int, read_restricted boolean not null default false, color varchar(6) not null default '0088CC' check (color ~ '^[0-9A-F]{6}$'));
create unique index unique_index_categories_on_name on categories (coalesce(parent_category_id, -1), lower(name));
create table topics (
  id serial primary key, title varchar not null, user_id bigint references users, category_id int references categories, deleted_at timestamp,
  archetype varchar not null default 'regular', slug varchar, bumped_at timestamp not null, posts_count int not null default 0, highest_post_number int not null default 0,
  pinned_at timestamp, pinned_until timestamp, constraint has_category_id check (category_id is not null or archetype <> 'regular'),
  constraint pm_has_no_category check (category_id is null or archetype <> 'private_message'), check (pinned_until is null or pinned_until > pinned_at));
create table posts (
  id serial primary key, topic_id int not null references topics on delete cascade, user_id bigint references users, post_number int not null,
  raw text not null, cooked text not null, reply_to_post_number int, deleted_at timestamp, score double precision, raw_email text,
  search tsvector generated always as (to_tsvector('simple', raw)) stored, check (length(raw) > 0));
create unique index index_posts_on_topic_id_and_post_number on posts (topic_id, post_number);
create index idx_posts_search on posts using gin (search);
create table tags (id serial primary key, name varchar not null check (name = lower(name) and name !~ '\s'), target_tag_id int references tags, topic_count int default 0 not null);
create unique index index_tags_on_lower_name on tags (lower(name));
create table topic_tags (topic_id int not null references topics, tag_id int not null references tags, created_at timestamp not null);
create unique index index_topic_tags_on_topic_id_and_tag_id on topic_tags (topic_id, tag_id);
create table follows (id bigserial primary key, account_id bigint not null references accounts, target_account_id bigint not null references accounts,
  show_reblogs boolean default true not null, languages varchar[], check (account_id <> target_account_id), unique (account_id, target_account_id));
create table user_emails (id serial primary key, user_id bigint not null references users, email varchar(513) not null, "primary" boolean not null default false);
create unique index index_user_emails_on_email on user_emails (lower(email));
create unique index index_user_emails_on_user_id_and_primary on user_emails (user_id, "primary") where "primary";
create table custom_fields (id serial primary key, owner_type varchar not null, owner_id bigint not null, name varchar(256) not null, value text);
create unique index idx_custom_fields_uniq on custom_fields (owner_type, owner_id, name);
create table bookmarks (id bigserial primary key, user_id bigint not null references users, bookmarkable_type varchar, bookmarkable_id int,
  reminder_at timestamp, auto_delete_preference int not null default 0, unique (user_id, bookmarkable_type, bookmarkable_id));
