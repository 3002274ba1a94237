alter table orders add index orders_note_created_at (note, created_at), algorithm = inplace, lock = none;
