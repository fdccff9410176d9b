//! What is known about a site: the connection followed, its SQL read, the user looked for.
//!
//! Every part is a pure function of the project, the settings and the migration's driver facts. What cannot be known is `Unknown`, with
//! a word on what could not be followed; nothing here decides.

pub mod attribute;
pub mod connection;
pub mod context;
pub mod effects;
pub mod engine_rules;
pub mod errors;
pub mod factories;
mod handles;
pub mod identity;
pub mod memo;
pub mod origin;
pub mod passing;
pub mod query;
pub mod roles;
pub mod schema;
pub mod session_scope;
pub mod site;
pub mod standard;
pub mod statements;
pub mod tables;
pub mod touched;
pub mod types;

use globset::GlobSet;

use crate::config::Config;
use crate::project::Project;
use crate::recipe::Driver;
use crate::sql::schema::Schema;

/// What every fact is drawn from.
#[derive(Clone, Copy)]
pub struct World<'a> {
    /// The files.
    pub project: &'a Project,
    /// The settings.
    pub config: &'a Config,
    /// The driver of the migration.
    pub driver: &'a Driver,
    /// The standard module as its code defines it.
    pub standard: &'a standard::StandardModule,
    /// The files that are tests.
    pub tests: &'a GlobSet,
    /// The SQL schema.
    pub schema: &'a Schema,
    /// For each file whether it is linked by imports with one that names the driver or is the standard module.
    pub linked: &'a [bool],
    /// What has been found out already.
    pub memo: &'a memo::Memo,
}
