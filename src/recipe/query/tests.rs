//! Tests of the checks of queries.
