//! The tables that queries touch, joined with the schema.

use crate::config::SchemaConfig;
use crate::facts::World;
use crate::facts::connection::{Connection, QueryCall};
use crate::finding::Tables;
use crate::sql::schema::Schema;
use crate::sql::{SqlFacts, TableName, TableUse};

/// The tables of one call.
pub fn of_call(call: &QueryCall, schema: &Schema, settings: &SchemaConfig) -> Tables {
    let mut tables = Tables {
        complete: true,
        ..Tables::default()
    };
    match &call.queries {
        Some(queries) => add(&mut tables, queries, schema, settings),
        None => tables.complete = false,
    }
    tables
}

/// The tables of the queries that a helper is called with.
pub fn of_queries(queries: &[SqlFacts], schema: &Schema, settings: &SchemaConfig) -> Tables {
    let mut tables = Tables {
        complete: true,
        ..Tables::default()
    };
    add(&mut tables, queries, schema, settings);
    tables
}

/// The tables of everything that is done with a connection.
pub fn of_connection(world: World<'_>, connection: &Connection) -> Tables {
    let (schema, settings) = (world.schema, &world.config.schema);
    let mut tables = Tables {
        complete: true,
        ..Tables::default()
    };
    for call in &connection.calls {
        match &call.queries {
            Some(queries) => add(&mut tables, queries, schema, settings),
            None => tables.complete &= world.driver.silent_methods.contains(&call.call.method),
        }
    }
    add(&mut tables, &connection.passed_queries, schema, settings);
    let lost = connection.lost_in.is_some() || connection.others.iter().any(|other| other.outlives);
    tables.complete &= !lost && connection.used_after.is_none();
    tables
}

fn add(tables: &mut Tables, queries: &[SqlFacts], schema: &Schema, settings: &SchemaConfig) {
    for query in queries {
        for statement in &query.statements {
            tables.complete &= !statement.tables_open
                && statement.unknown_functions.is_empty()
                && statement.kind != crate::sql::StatementKind::Unknown;
            for used in &statement.tables {
                tables.known.insert(used.table.to_string());
                if is_user_data(used, schema, settings) {
                    tables.rls.insert(used.table.to_string());
                } else if schema
                    .table(&used.table)
                    .is_some_and(|table| table.security.is_some())
                {
                    tables.open.insert(used.table.to_string());
                } else if schema.may_lack(&used.table) && !is_listed(&settings.system_tables, used)
                {
                    tables.complete = false;
                }
            }
        }
    }
}

/// Whether what is done with a table touches the data of single users. The settings have the last word.
fn is_user_data(used: &TableUse, schema: &Schema, settings: &SchemaConfig) -> bool {
    if is_listed(&settings.system_tables, used) {
        return false;
    }
    is_listed(&settings.user_tables, used) || schema.is_user_data(used)
}

/// Whether settings name the table.
fn is_listed(names: &[String], used: &TableUse) -> bool {
    names
        .iter()
        .any(|name| parse_name(name).matches(&used.table))
}

/// A table name as settings write it: `lots`, `public.lots`.
pub fn parse_name(text: &str) -> TableName {
    match text.split_once('.') {
        Some((schema, name)) => TableName {
            schema: Some(schema.to_owned()),
            name: name.to_owned(),
        },
        None => TableName {
            schema: None,
            name: text.to_owned(),
        },
    }
}
