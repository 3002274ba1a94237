create index concurrently orders_note_created_at_idx on orders (note, created_at);
