//! What Redis is told about leases.

use std::{net::IpAddr, time::Duration};

use realtime_chassis::redis::Connection;
use redis::{Cmd, Pipeline, RedisResult};

/// How long a lease lasts without being renewed.
const LIFE: Duration = Duration::from_secs(45);

/// Takes a lease, by the clock of Redis, so that those of the replicas need not agree. Keys: the address'. Arguments: the connection's id, the
/// limit, the life in milliseconds.
const TAKE: &str = "
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
    if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
    redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
    return 1";

/// Renews leases, whether they are there or not. Keys: the address'. Arguments: the life in milliseconds, then the connections' ids.
const RENEW: &str = "
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    for index = 2, #ARGV do redis.call('ZADD', KEYS[1], now + tonumber(ARGV[1]), ARGV[index]) end
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
    return 1";

/// Whether there was room for the connection.
pub(super) async fn take(redis: &mut Connection, address: IpAddr, id: &str, limit: u32) -> RedisResult<bool> {
    let mut script = evaluate(TAKE, address);
    script.arg(id).arg(limit).arg(life());
    script.query_async(redis).await
}

/// Renews the leases of some addresses.
pub(super) async fn renew(redis: &mut Connection, leases: &[(IpAddr, Vec<Box<str>>)]) -> RedisResult<()> {
    let mut pipeline = Pipeline::with_capacity(leases.len());
    for (address, ids) in leases {
        let mut script = evaluate(RENEW, *address);
        script.arg(life());
        ids.iter().for_each(|id| _ = script.arg(&**id));
        pipeline.add_command(script).ignore();
    }
    pipeline.query_async(redis).await
}

/// Takes out leases that ended.
pub(super) async fn end(redis: &mut Connection, ended: &[(IpAddr, Box<str>)]) -> RedisResult<()> {
    let mut pipeline = Pipeline::with_capacity(ended.len());
    for (address, id) in ended {
        pipeline.cmd("ZREM").arg(key(*address)).arg(&**id).ignore();
    }
    pipeline.query_async(redis).await
}

fn evaluate(script: &str, address: IpAddr) -> Cmd {
    let mut command = redis::cmd("EVAL");
    command.arg(script).arg(1).arg(key(address));
    command
}

fn key(address: IpAddr) -> String {
    format!("realtime:demo:address:{address}")
}

const fn life() -> u64 {
    LIFE.as_secs() * 1000
}
