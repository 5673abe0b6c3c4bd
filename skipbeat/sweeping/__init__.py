"""A study: hardware × models × schemes, searched, priced on one machine or many, and kept in a storage."""
