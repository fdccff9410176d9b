//! A database of its own on a server, and a role in it that owns nothing and that the policies bind.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

pub struct Stage {
    server: PgPool,
    name: String,
    address: PgConnectOptions,
    /// As superuser, whom no policy binds.
    pub owner: PgPool,
}

impl Stage {
    /// On the server at `address`, which is that of a superuser.
    pub async fn new(address: &str) -> sqlx::Result<Self> {
        let address: PgConnectOptions = address.parse()?;
        let server = PgPoolOptions::new().max_connections(1);
        let server = server.connect_with(address.clone()).await?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let name = format!(
            "parcels_{}_{}",
            std::process::id(),
            now.map_or(0, |since| since.subsec_nanos())
        );
        for statement in [
            format!("CREATE DATABASE {name}"),
            format!("CREATE ROLE {name} LOGIN"),
        ] {
            sqlx::raw_sql(&statement).execute(&server).await?;
        }
        let address = address.database(&name);
        let owner = PgPoolOptions::new().max_connections(1);
        let owner = owner.connect_with(address.clone()).await?;
        Ok(Self {
            server,
            name,
            address,
            owner,
        })
    }

    /// Lets the bound role use all tables that there are.
    pub async fn grant(&self) -> sqlx::Result<()> {
        let name = &self.name;
        let statement = format!(
            "GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {name}"
        );
        sqlx::raw_sql(&statement).execute(&self.owner).await?;
        Ok(())
    }

    /// A new pool of at most so many connections, for the bound role or the superuser.
    pub async fn pool(&self, bound: bool, connections: u32) -> sqlx::Result<PgPool> {
        let mut address = self.address.clone();
        if bound {
            address = address.username(&self.name);
        }
        let options = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(2));
        options.connect_with(address).await
    }

    /// Takes all of it away.
    pub async fn end(self) -> sqlx::Result<()> {
        self.owner.close().await;
        let name = &self.name;
        for statement in [
            format!("DROP DATABASE {name} WITH (FORCE)"),
            format!("DROP ROLE {name}"),
        ] {
            sqlx::raw_sql(&statement).execute(&self.server).await?;
        }
        self.server.close().await;
        Ok(())
    }
}
