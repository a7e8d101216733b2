//! The names of an earlier engine: the same documents at them, where that is wanted.

use crate::harness::{RedisServer, SOON, Scene, until};

const HEARTBEAT: &str = "heartbeat:analytics";
const SECOND: [&str; 2] = ["module:heartbeat:analytics", "hb:analytics"];

/// The values of the three keys and the seconds they live, read at one instant.
const LOOK: &str = "local r = {}
for i, k in ipairs(KEYS) do r[i] = (redis.call('GET', k) or '') .. ' ' .. redis.call('TTL', k) end
return r";

fn look(redis: &RedisServer) -> Vec<String> {
    let found = redis.cli(&["EVAL", LOOK, "3", HEARTBEAT, SECOND[0], SECOND[1]]);
    found.lines().map(str::to_owned).collect()
}

#[test]
fn the_heartbeat_stands_at_its_second_names_with_the_same_lifetime() {
    let scene = Scene::start_at(RedisServer::start(), &["AAA"], None, &["keys.aliases=true"]);
    let mut seen = Vec::new();
    until("three heartbeats are equal by every name", SOON, || {
        let found = look(&scene.redis);
        assert_eq!(found.len(), 3);
        let equal = found
            .iter()
            .all(|one| *one == found[0] && one.starts_with('{'));
        if equal && !seen.contains(&found[0]) {
            seen.push(found[0].clone());
        }
        (seen.len() >= 3).then_some(())
    });
    scene.finish(&[]);
}

#[test]
fn nothing_stands_at_second_names_unless_it_is_wanted() {
    let scene = Scene::start(&["AAA"]);
    assert_eq!(scene.redis.cli(&["EXISTS", HEARTBEAT]), "1");
    assert_eq!(scene.redis.cli(&["EXISTS", SECOND[0], SECOND[1]]), "0");
    scene.finish(&[]);
}
