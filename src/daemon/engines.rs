//! Opens the two engines that BACKEND names.

use std::sync::Arc;

use super::StartError;
use crate::clock::SystemClock;
use crate::config::{Backend, Config};
use crate::queue::redis::RedisQueue;
use crate::queue::sqlite::SqliteQueue;
use crate::queue::{Engine, EngineSettings, QueueError};
use crate::sqlite::Db;
use crate::storage::bounded::{Bounded, Bounds};
use crate::storage::postgres::PostgresStorage;
use crate::storage::sqlite::SqliteStorage;
use crate::storage::{Storage, StorageError};

/// Chooses the one TLS provider for Redis, PostgreSQL and mail. A program that embeds us may have installed its own; that
/// one then stays, which is what an error here means.
pub fn choose_tls() {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
}

/// The engines of a daemon.
pub struct Engines {
    pub queue: Arc<dyn Engine>,
    /// Every call of it is bounded in time.
    pub storage: Arc<dyn Storage>,
}

impl Engines {
    /// Opens both; neither Redis nor PostgreSQL need be there yet.
    pub fn open(config: &Config) -> Result<Self, StartError> {
        let settings = EngineSettings {
            namespace: config.namespace.clone(),
            idempotency_window: config.idempotency_window,
            idempotency_max: config.idempotency_max,
            lease: config.lease,
        };
        match config.backend {
            Backend::Redis => {
                let queue = RedisQueue::open(config.redis_addr.reveal(), settings, None)
                    .map_err(unfit_queue)?;
                let storage =
                    PostgresStorage::open(config.database_url.reveal()).map_err(unfit_storage)?;
                let storage = Bounded::new(Arc::new(storage), Bounds::default());
                Ok(Self {
                    queue: Arc::new(queue),
                    storage: Arc::new(storage),
                })
            }
            Backend::Embedded => {
                std::fs::create_dir_all(&config.data_dir).map_err(StartError::system(format!(
                    "cannot make the folder {} (DATADIR)",
                    config.data_dir.display()
                )))?;
                let path = config.data_dir.join("windlass.sqlite");
                let db = Db::open(&path, true).map_err(|err| {
                    StartError::Configuration(format!(
                        "cannot open {} (DATADIR): {err}",
                        path.display()
                    ))
                })?;
                let queue = SqliteQueue::new(Arc::clone(&db), settings, Arc::new(SystemClock));
                Ok(Self {
                    queue: Arc::new(queue),
                    storage: Arc::new(SqliteStorage::new(db)),
                })
            }
        }
    }
}

fn unfit_queue(err: QueueError) -> StartError {
    StartError::Configuration(err.to_string())
}

fn unfit_storage(err: StorageError) -> StartError {
    StartError::Configuration(err.to_string())
}
