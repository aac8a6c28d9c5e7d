//! The last known values of devices and inputs.

use rusqlite::Row;

use crate::domain::capabilities::Declaration;
use crate::domain::id::{DeviceId, InputName};
use crate::domain::value::Reading;
use crate::store::view::{Unreadable, View, moment};

/// The last known value of an attribute. How lately a value was heard that does not change is exact to ten
/// minutes.
#[derive(Clone, Debug)]
pub struct KnownValue {
    pub device: DeviceId,
    pub attribute: String,
    pub reading: Reading,
}

/// The last known value of an input.
#[derive(Clone, Debug)]
pub struct KnownInput {
    pub name: InputName,
    /// None while it has no value.
    pub reading: Option<Reading>,
}

impl View {
    /// By device and attribute. What an older program wrote in a way that cannot be read is left out.
    pub fn values(&self) -> Result<Vec<KnownValue>, Unreadable> {
        let sql =
            "SELECT device_id, attribute, reading FROM readings ORDER BY device_id, attribute";
        let found = self.list(sql, [], |row| {
            let (device, attribute) = (row.get::<_, String>(0)?, row.get(1)?);
            Ok(reading(row, 2)?.map(|reading| KnownValue {
                device: DeviceId::new(device),
                attribute,
                reading,
            }))
        })?;
        Ok(found.into_iter().flatten().collect())
    }

    /// What devices say they take, each since when.
    pub fn declared(&self) -> Result<Vec<Declaration>, Unreadable> {
        // A database that was not brought up to date yet has no table for it.
        let named = "SELECT 1 FROM pragma_table_info('device_capabilities')";
        if self.list(named, [], |_| Ok(()))?.is_empty() {
            return Ok(Vec::new());
        }
        let sql =
            "SELECT device_id, since, capabilities FROM device_capabilities ORDER BY device_id";
        self.list(sql, [], |row| {
            let capabilities = row.get::<_, String>(2)?;
            Ok(Declaration {
                device: DeviceId::new(row.get::<_, String>(0)?),
                at: moment(row, 1)?,
                capabilities: serde_json::from_str(&capabilities).ok(),
            })
        })
    }

    /// By name.
    pub fn inputs(&self) -> Result<Vec<KnownInput>, Unreadable> {
        let sql = "SELECT name, reading FROM inputs ORDER BY name";
        self.list(sql, [], |row| {
            Ok(KnownInput {
                name: InputName::new(row.get::<_, String>(0)?),
                reading: reading(row, 1)?,
            })
        })
    }
}

fn reading(row: &Row<'_>, column: usize) -> Result<Option<Reading>, Unreadable> {
    let json = row.get::<_, Option<String>>(column)?;
    Ok(json.and_then(|it| serde_json::from_str(&it).ok()))
}
