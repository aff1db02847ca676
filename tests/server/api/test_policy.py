"""What is in force, and the audit log."""

from __future__ import annotations

from tests.server.api.conftest import Served


async def test_the_policy_says_which_snapshot_each_process_enforces(served: Served) -> None:
    empty = (await served.client.get("/v1/policy")).json()
    assert (empty["snapshot"], empty["digest"], empty["serving"]) == (0, None, True)
    await served.create()
    await served.create(id="dodo", name="Dodo Bird")
    await served.client.post("/v1/forget-targets/dodo:pause")
    policy = (await served.client.get("/v1/policy")).json()
    assert policy["snapshot"] == served.context.activation.enforcement.snapshot.number == 3
    assert policy["targets"] == {"pending": 0, "active": 1, "paused": 1, "deleted": 0}
    (peer,) = policy["peers"]
    assert (peer["instance"], peer["snapshot"], peer["alive"]) == ("one", 3, True)
    assert len(policy["digest"]) == 64
    assert policy["workers"] == [{"rank": 0, "held": policy["restrictions"], "acknowledged": True}]
    assert policy["restrictions"] == 1
    served.engine.loaded.clear()
    (worker,) = (await served.client.get("/v1/policy")).json()["workers"]
    assert worker == {"rank": 0, "held": 0, "acknowledged": False}
