"""Imports, list members, suppressions and erasures, and what is recorded of them."""

from sandbox.faults import Profile
from tests.unit.sandbox.serving import eventually


def profile(**attributes) -> dict:
    return {"type": "profile", "attributes": attributes}


def bulk(profiles: list[dict], *lists: str) -> dict:
    data: dict = {
        "type": "profile-bulk-import-job",
        "attributes": {"profiles": {"data": profiles}},
    }
    if lists:
        data["relationships"] = {"lists": {"data": [{"type": "list", "id": i} for i in lists]}}
    return {"data": data}


def run_import(an_account, profiles: list[dict], *lists: str) -> dict:
    accepted = an_account.post("/api/profile-bulk-import-jobs", bulk(profiles, *lists))
    assert accepted.status_code == 202, accepted.text
    job = accepted.json()["data"]
    assert job["attributes"]["status"] == "queued"
    return eventually(
        lambda: an_account.get(f"/api/profile-bulk-import-jobs/{job['id']}").json()["data"],
        lambda found: found["attributes"]["status"] == "complete",
    )


def import_errors(an_account, job: dict) -> list[dict]:
    return an_account.get(f"/api/profile-bulk-import-jobs/{job['id']}/import-errors").json()["data"]


def test_one_profile_is_created_then_updated(account):
    an_account = account(30)
    first = an_account.post(
        "/api/profile-import",
        {"data": profile(email="new@example.com", first_name="Anna", properties={"a": 1, "b": 2})},
    )
    second = an_account.post(
        "/api/profile-import",
        {"data": profile(email="NEW@example.com", first_name=None, properties={"b": 3})},
    )
    assert (first.status_code, second.status_code) == (201, 200)
    shown = second.json()["data"]
    assert shown["id"] == first.json()["data"]["id"]
    assert shown["attributes"]["first_name"] is None
    assert shown["attributes"]["properties"] == {"a": 1, "b": 3}
    assert [row["id"] for row in an_account.rows()] == [shown["id"]] * 2


def test_an_import_tells_the_fate_of_every_row(account):
    an_account = account(30)
    rows = [
        profile(email="one@example.com", properties={"accord_segment": "lapsed"}),
        profile(email="broken@", first_name="No"),
        profile(email="two@example.com", phone_number="0612345678"),
        profile(first_name="Nobody"),
        profile(email="three@example.com"),
    ]
    job = run_import(an_account, rows, "NwLt01")
    counts = job["attributes"]
    assert (counts["total_count"], counts["completed_count"], counts["failed_count"]) == (5, 2, 3)
    errors = import_errors(an_account, job)
    assert [error["attributes"]["original_payload"] for error in errors] == [
        rows[1],
        rows[2],
        rows[3],
    ]
    assert errors[0]["attributes"]["source"]["pointer"] == "/data/attributes/email"
    done = an_account.get(f"/api/profile-bulk-import-jobs/{job['id']}/profiles").json()["data"]
    assert [p["attributes"]["email"] for p in done] == ["one@example.com", "three@example.com"]
    members = an_account.get(
        "/api/lists/NwLt01/profiles", filter='equals(email,"one@example.com")'
    ).json()["data"]
    assert len(members) == 1
    assert [row["email"] for row in an_account.rows()] == ["one@example.com", "three@example.com"]
    assert an_account.rows()[0]["list_ids"] == ["NwLt01"]


def test_partial_failures_hit_a_share_of_the_rows(account):
    an_account = account(30)
    an_account.context.faults.set("klaviyo", Profile.PARTIAL_FAILURES, share=0.25)
    job = run_import(an_account, [profile(email=f"p{n}@example.com") for n in range(20)])
    assert job["attributes"]["failed_count"] == 5
    assert len(an_account.rows()) == 15


def test_an_import_that_is_too_big_is_refused_whole(account):
    an_account = account(30)
    too_many = bulk([profile(email=f"{n}@e.fr") for n in range(10_001)])
    assert an_account.post("/api/profile-bulk-import-jobs", too_many).status_code == 400
    heavy = bulk([profile(email="a@example.com", properties={"x": "x" * 5_000_000})])
    assert an_account.post("/api/profile-bulk-import-jobs", heavy).status_code == 413
    unknown = bulk([profile(email="a@example.com")], "NoList")
    assert an_account.post("/api/profile-bulk-import-jobs", unknown).status_code == 404
    assert not an_account.rows()


def test_members_join_and_leave_a_list(account):
    an_account = account(60)
    made = an_account.post(
        "/api/lists", {"data": {"type": "list", "attributes": {"name": "Lapsed"}}}
    )
    assert made.status_code == 201
    path = f"/api/lists/{made.json()['data']['id']}/relationships/profiles"
    ids = [entry["id"] for entry in an_account.get("/api/profiles").json()["data"][:3]]
    body = {"data": [{"type": "profile", "id": profile_id} for profile_id in ids]}
    assert an_account.post(path, body).status_code == 204
    assert sorted(entry["id"] for entry in an_account.get(path).json()["data"]) == sorted(ids)
    gone = {"data": body["data"][:1]}
    assert an_account.client.request("DELETE", path, json=gone).status_code == 204
    assert sorted(entry["id"] for entry in an_account.get(path).json()["data"]) == sorted(ids[1:])
    missing = {"data": [{"type": "profile", "id": "nobody"}]}
    assert an_account.post(path, missing).status_code == 404


def test_an_address_is_suppressed_and_released(account):
    an_account = account(60)
    email = next(
        d["email"].strip()
        for _, d in an_account.world.live("klaviyo.profiles")
        if "@" in (d["email"] or "") and not d["email_suppressed"]
    )
    for kind, reasons in (("create", ["USER_SUPPRESSED"]), ("delete", [])):
        name = f"profile-suppression-bulk-{kind}-job"
        profiles = {"data": [profile(email=email)]}
        body = {"data": {"type": name, "attributes": {"profiles": profiles}}}
        accepted = an_account.post(f"/api/{name}s", body)
        assert accepted.status_code == 202, accepted.text
        job_id = accepted.json()["data"]["id"]
        eventually(
            lambda name=name, job_id=job_id: an_account.get(f"/api/{name}s/{job_id}").json(),
            lambda found: found["data"]["attributes"]["status"] == "complete",
        )
        found = an_account.get(
            "/api/profiles",
            filter=f'equals(email,"{email}")',
            **{"additional-fields[profile]": "subscriptions"},
        ).json()["data"]
        marketing = found[0]["attributes"]["subscriptions"]["email"]["marketing"]
        assert [entry["reason"] for entry in marketing["suppression"]] == reasons


def test_an_erased_profile_is_gone_with_its_events_and_memberships(account):
    an_account = account(60)
    world = an_account.world
    profile_id = next(d["profile_id"] for _, d in world.live("klaviyo.events"))

    def erase(**given):
        data = {"type": "profile", "attributes": {}} | given
        inner = {"profile": {"data": data}}
        body = {"data": {"type": "data-privacy-deletion-job", "attributes": inner}}
        return an_account.post("/api/data-privacy-deletion-jobs", body).status_code

    assert erase() == 400
    assert erase(id=profile_id, attributes={"email": "a@example.com"}) == 400
    assert erase(id=profile_id) == 202
    eventually(
        lambda: an_account.get(f"/api/profiles/{profile_id}").status_code,
        lambda status: status == 404,
    )
    events = an_account.get("/api/events", filter=f'equals(profile_id,"{profile_id}")')
    assert events.json()["data"] == []
    assert world.tables["klaviyo.profiles"][profile_id]["email"] is None


def test_the_vendors_client_imports_and_reads_errors_back(account):
    an_account = account(30)
    sdk = an_account.sdk()
    body = bulk([profile(email="sdk@example.com"), profile(email="sdk@")], "VipC02")
    job_id = sdk.Profiles.bulk_import_profiles(body).data.id
    eventually(
        lambda: sdk.Profiles.get_bulk_import_profiles_job(job_id).data.attributes.status,
        lambda status: status == "complete",
    )
    errors = sdk.Profiles.get_errors_for_bulk_import_profiles_job(job_id).data
    assert [error.attributes.detail for error in errors] == ["Invalid email address"]
    made = sdk.Profiles.create_or_update_profile({"data": profile(email="sdk2@example.com")})
    sdk.Lists.add_profiles_to_list("VipC02", {"data": [{"type": "profile", "id": made.data.id}]})
    assert made.data.id in {row["profile_id"] for row in an_account.rows() if "profile_id" in row}
