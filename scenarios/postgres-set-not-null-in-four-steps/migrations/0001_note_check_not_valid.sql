alter table orders add constraint orders_note_not_null check (note is not null) not valid;
