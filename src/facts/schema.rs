//! tmp
use crate::config::{Config, SchemaConfig};
use crate::finding::RlsTable;
use crate::source::SourceFile;
use crate::sql::schema::Schema;
/// x
pub fn schema(_c: &Config, f: &[SourceFile]) -> Schema {
    let mut s = Schema::default();
    for f in f.iter().filter(|f| f.path().ends_with(".sql")) {
        s.apply_file(f.path(), f.text())
    }
    s
}
/// x
pub fn register(_s: &Schema, _c: &SchemaConfig) -> Vec<RlsTable> {
    vec![]
}
