"""Landing: from a connector's pages to append-only raw tables, typed by the stream's contract."""
