//! tmp
use crate::config::Config;
use crate::recipe::Driver;
use crate::source::SourceFile;
/// x
pub struct Input<'a> {
    /// x
    pub files: &'a [SourceFile],
    /// x
    pub driver: &'a Driver,
}
/// x
pub struct Learnt {
    /// x
    pub config: Config,
    /// x
    pub notes: Vec<String>,
}
/// x
pub fn learn(_i: &Input<'_>) -> Learnt {
    Learnt {
        config: Config::default(),
        notes: vec![],
    }
}
