"""The rules of the endpoints served, for machines without the vendor's files.

A test compares every line with the vendor's own file. A filter is written as field, type of its
values, operators.
"""

from sandbox.klaviyo.rules import Rule, make_rule

BUILT_IN: tuple[Rule, ...] = (
    make_rule(
        "GET /api/profiles",
        limits=("75/s", "750/m"),
        scopes="profiles:read",
        filters=(
            "id string any equals",
            "email string any equals",
            "phone_number string any equals",
            "external_id string any equals",
            "_kx string equals",
            "created date-time greater-than less-than",
            "updated date-time greater-than less-than",
            "subscriptions.email.marketing.list_suppressions.reason string equals",
            (
                "subscriptions.email.marketing.list_suppressions.timestamp date-time "
                "greater-or-equal greater-than less-or-equal less-than"
            ),
            "subscriptions.email.marketing.list_suppressions.list_id string equals",
            "subscriptions.email.marketing.suppression.reason string equals",
            (
                "subscriptions.email.marketing.suppression.timestamp date-time "
                "greater-or-equal greater-than less-or-equal less-than"
            ),
        ),
        page=(20, 100),
        sorts="created email id updated subscriptions.email.marketing.list_suppressions.timestamp "
        "subscriptions.email.marketing.suppression.timestamp",
        includes="conversations push-tokens",
    ),
    make_rule(
        "GET /api/profiles/{id}",
        limits=("75/s", "750/m"),
        scopes="profiles:read",
        includes="conversations lists push-tokens segments",
    ),
    make_rule("POST /api/profile-import", limits=("75/s", "750/m"), scopes="profiles:write"),
    make_rule(
        "POST /api/profile-bulk-import-jobs",
        limits=("10/s", "150/m"),
        scopes="lists:write profiles:write",
    ),
    make_rule(
        "GET /api/profile-bulk-import-jobs",
        limits=("10/s", "150/m"),
        scopes="lists:read profiles:read",
        filters=("status string any equals",),
        page=(20, 100),
        sorts="created_at",
    ),
    make_rule(
        "GET /api/profile-bulk-import-jobs/{job_id}",
        limits=("10/s", "150/m"),
        scopes="lists:read profiles:read",
        includes="lists",
    ),
    make_rule(
        "GET /api/profile-bulk-import-jobs/{id}/import-errors",
        limits=("10/s", "150/m"),
        scopes="profiles:read",
        page=(20, 100),
    ),
    make_rule(
        "GET /api/profile-bulk-import-jobs/{id}/profiles",
        limits=("10/s", "150/m"),
        scopes="profiles:read",
        page=(20, 100),
    ),
    make_rule(
        "POST /api/profile-suppression-bulk-create-jobs",
        limits=("75/s", "750/m"),
        scopes="profiles:write subscriptions:write",
    ),
    make_rule(
        "GET /api/profile-suppression-bulk-create-jobs/{job_id}",
        limits=("75/s", "750/m"),
        scopes="subscriptions:read",
    ),
    make_rule(
        "POST /api/profile-suppression-bulk-delete-jobs",
        limits=("75/s", "750/m"),
        scopes="subscriptions:write",
    ),
    make_rule(
        "GET /api/profile-suppression-bulk-delete-jobs/{job_id}",
        limits=("75/s", "750/m"),
        scopes="subscriptions:read",
    ),
    make_rule(
        "GET /api/events",
        limits=("350/s", "3500/m"),
        scopes="events:read",
        filters=(
            "metric_id string equals",
            "profile_id string equals",
            "profile none has",
            "metric none has",
            "datetime date-time greater-or-equal greater-than less-or-equal less-than",
            "timestamp number greater-or-equal greater-than less-or-equal less-than",
        ),
        page=(200, 1000),
        sorts="datetime timestamp",
        includes="attributions metric profile",
    ),
    make_rule("POST /api/events", limits=("350/s", "3500/m"), scopes="events:write"),
    make_rule("POST /api/event-bulk-create-jobs", limits=("10/s", "150/m"), scopes="events:write"),
    make_rule(
        "GET /api/metrics",
        limits=("10/s", "150/m"),
        scopes="metrics:read",
        filters=("integration.name string equals", "integration.category string equals"),
        includes="flow-triggers",
    ),
    make_rule(
        "GET /api/lists",
        limits=("75/s", "750/m"),
        scopes="lists:read",
        filters=(
            "name string any equals",
            "id string any equals",
            "created date-time greater-than",
            "updated date-time greater-than",
        ),
        page=(10, 10),
        sorts="created id name updated",
        includes="flow-triggers tags",
    ),
    make_rule(
        "GET /api/campaigns",
        limits=("10/s", "150/m"),
        scopes="campaigns:read",
        filters=(
            "id string any",
            "messages.channel string equals",
            "name string contains",
            "status string any equals",
            "archived boolean equals",
            "created_at date-time greater-or-equal greater-than less-or-equal less-than",
            "scheduled_at date-time greater-or-equal greater-than less-or-equal less-than",
            "updated_at date-time greater-or-equal greater-than less-or-equal less-than",
        ),
        page=(100, 100),
        sorts="created_at id name scheduled_at updated_at",
        includes="campaign-messages tags",
    ),
    make_rule("POST /api/lists", limits=("10/s", "150/m", "150/d"), scopes="lists:write"),
    make_rule(
        "GET /api/lists/{id}",
        limits=("75/s", "750/m"),
        scopes="lists:read",
        includes="flow-triggers tags",
    ),
    make_rule(
        "GET /api/lists/{id}/profiles",
        limits=("75/s", "750/m"),
        scopes="lists:read profiles:read",
        filters=(
            "email string any equals",
            "phone_number string any equals",
            "push_token string any equals",
            "_kx string equals",
            "joined_group_at date-time greater-or-equal greater-than less-or-equal less-than",
        ),
        page=(20, 100),
        sorts="joined_group_at",
    ),
    make_rule(
        "GET /api/lists/{id}/relationships/profiles",
        limits=("75/s", "750/m"),
        scopes="lists:read profiles:read",
        filters=(
            "email string any equals",
            "phone_number string any equals",
            "push_token string any equals",
            "_kx string equals",
            "joined_group_at date-time greater-or-equal greater-than less-or-equal less-than",
        ),
        page=(20, 100),
        sorts="joined_group_at",
    ),
    make_rule(
        "POST /api/lists/{id}/relationships/profiles",
        limits=("10/s", "150/m"),
        scopes="lists:write profiles:write",
    ),
    make_rule(
        "DELETE /api/lists/{id}/relationships/profiles",
        limits=("10/s", "150/m"),
        scopes="lists:write profiles:write",
    ),
    make_rule(
        "POST /api/data-privacy-deletion-jobs", limits=("3/s", "60/m"), scopes="data-privacy:write"
    ),
)


def built_in_rules() -> dict[str, Rule]:
    """The rules of every endpoint served, by endpoint."""
    return {rule.endpoint: rule for rule in BUILT_IN}
