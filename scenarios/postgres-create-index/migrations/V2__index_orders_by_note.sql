create index orders_note_created_at_idx on orders (note, created_at);
