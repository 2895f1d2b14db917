/* SPDX-License-Identifier: Apache-2.0 */
/* sotto verify-release asks whether the ledger names a hash, name-release lets it; status, whether it names what this phone runs. */
#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "os/clock.h"
#include "phone/agent_json.h"
#include "phone/agent_release.h"
#include "talk/admins.h"

#define NAME_WAIT_MS 60000

/* One whose device is not in the ledger any more is still who signed. */
static json_t *signer_json(const struct agent *agent, const uint8_t *key)
{
	const struct ledger *ledger = talk_ledger(agent->talk);
	const struct ledger_device *device = ledger_device_by_key(ledger, key);
	const struct ledger_member *member =
		device == NULL ? NULL : ledger_member_by_id(ledger, device->member);

	if (member == NULL)
		return json_pack("{s:s,s:s}", "extension", "", "name", "");
	return json_pack("{s:o,s:s}", "extension", agent_json_extension(agent, member->extension),
			 "name", member->name);
}

static json_t *signers_json(const struct agent *agent, const struct ledger_entry *entry)
{
	json_t *signers = json_array();

	for (size_t i = 0; i < entry->signature_count; i++)
		json_array_append_new(signers, signer_json(agent, entry->signatures[i].key));
	return signers;
}

/* False: the client was told what is wrong. */
static bool hash_given(struct agent_client *client, const json_t *arguments,
		       uint8_t hash[LEDGER_HASH_LEN])
{
	struct bytes text = agent_bytes(arguments, "hash");
	size_t len = 0;

	if (hex_decode((const char *)text.data, text.len, hash, LEDGER_HASH_LEN, &len) ==
		    SOTTO_OK &&
	    len == LEDGER_HASH_LEN)
		return true;
	agent_fail(client, SOTTO_ERR_ARGUMENT, "\"hash\" of a release is %d digits of hex",
		   2 * LEDGER_HASH_LEN);
	return false;
}

static json_t *entry_json(const struct agent *agent, const struct agent_release_entry *found)
{
	const uint8_t *hash = found->release->hash;

	return json_pack(
		"{s:o,s:I,s:o,s:I,s:o,s:o,s:b,s:b,s:b}", "hash",
		agent_json_hex(BYTES(hash, LEDGER_HASH_LEN)), "number",
		(json_int_t)found->release->number, "version",
		agent_json_text(found->release->version), "index", (json_int_t)found->index,
		"signed_at", agent_json_time(found->entry.act.stated_ms), "signers",
		signers_json(agent, &found->entry), "newest", found->newest, "below_minimum",
		found->below_minimum, "running",
		agent->release.known && memcmp(agent->release.hash, hash, LEDGER_HASH_LEN) == 0);
}

void command_release(struct agent_client *client, const json_t *arguments, int *descriptors,
		     size_t descriptors_count)
{
	const struct ledger *ledger = talk_ledger(client->agent->talk);
	struct agent_release_entry found;
	uint8_t hash[LEDGER_HASH_LEN];

	(void)descriptors;
	(void)descriptors_count;
	if (!hash_given(client, arguments, hash))
		return;
	if (agent_release_find(ledger, hash, &found))
		agent_done(client, entry_json(client->agent, &found));
	else if (ledger_release_newest(ledger) == NULL)
		agent_fail(client, SOTTO_ERR_NOT_FOUND,
			   "the ledger names no release at all, so not this one either");
	else
		agent_fail(client, SOTTO_ERR_NOT_FOUND,
			   "no entry of the ledger names this release: do not run it unless you "
			   "know better where it is from");
}

/* ---- Naming one ---- */

static void fail_name(struct agent_client *client, enum sotto_err err)
{
	if (err == SOTTO_ERR_DENIED)
		agent_fail(client, err, "only an admin can do this");
	else if (err == SOTTO_ERR_EXISTS)
		agent_fail(client, err, "the ledger names this release already");
	else if (err == SOTTO_ERR_STATE)
		agent_fail(client, err, "this phone belongs to no network yet, or not any more");
	else if (err == SOTTO_ERR_LIMIT)
		agent_fail(client, err,
			   "too many proposals are open, or the ledger names %d releases",
			   LEDGER_RELEASES_MAX);
	else
		agent_fail(client, err, "not named: %s", sotto_err_text(err));
}

/* It gets the number after the newest one's: if another one gets that before, this comes to nothing. */
void command_release_name(struct agent_client *client, const json_t *arguments, int *descriptors,
			  size_t descriptors_count)
{
	struct agent *agent = client->agent;
	const struct ledger_release *newest = ledger_release_newest(talk_ledger(agent->talk));
	union ledger_body body = {.release = {.version = agent_bytes(arguments, "version")}};
	enum sotto_err err;

	(void)descriptors;
	(void)descriptors_count;
	if (!hash_given(client, arguments, body.release.hash))
		return;
	body.release.number = newest == NULL ? 1 : newest->number + 1;
	err = talk_act_of(agent->talk, LEDGER_RELEASE, &body, os_clock_now_ns(), os_clock_utc_ms());
	err = agent_commit(agent, err);
	if (err != SOTTO_OK) {
		fail_name(client, err);
		return;
	}
	memcpy(client->release, body.release.hash, LEDGER_HASH_LEN);
	agent_client_wait(client, AGENT_WAIT_RELEASE, NAME_WAIT_MS);
}

void command_release_look(struct agent_client *client)
{
	struct agent_release_entry found;

	if (agent_release_find(talk_ledger(client->agent->talk), client->release, &found))
		agent_done(client, entry_json(client->agent, &found));
}

/* ---- What this phone runs ---- */

static const char *const standing_words[] = {
	[AGENT_RELEASE_UNNAMED] = "unnamed",
	[AGENT_RELEASE_BELOW] = "below_minimum",
	[AGENT_RELEASE_OLDER] = "older",
	[AGENT_RELEASE_NEWEST] = "newest",
};

json_t *agent_release_json(const struct agent *agent)
{
	const struct ledger_release *release;
	enum agent_release_standing standing;
	json_t *object;

	if (!agent->release.known)
		return json_pack("{s:s}", "state", agent->release.changed ? "changed" : "unknown");
	standing = agent_release_standing(talk_ledger(agent->talk), agent->release.hash, &release);
	object = json_pack("{s:s,s:o}", "state", standing_words[standing], "hash",
			   agent_json_hex(BYTES_OF(agent->release.hash)));
	if (release != NULL) {
		json_object_set_new(object, "number", json_integer(release->number));
		json_object_set_new(object, "version", agent_json_text(release->version));
	}
	return object;
}

/* Where nobody names releases, what is not named is no problem. */
json_t *agent_release_problem(const struct agent *agent)
{
	const struct ledger *ledger = talk_ledger(agent->talk);
	const struct ledger_release *release = NULL;
	enum agent_release_standing standing = AGENT_RELEASE_UNNAMED;
	struct ledger_policy policy;

	if (ledger_release_newest(ledger) == NULL)
		return NULL;
	if (agent->release.changed)
		return json_string("this phone's files are not what their manifest says: it runs "
				   "something that no entry of the ledger names");
	if (agent->release.known)
		standing = agent_release_standing(ledger, agent->release.hash, &release);
	if (standing == AGENT_RELEASE_UNNAMED)
		return json_string("this phone runs something that no entry of the ledger names");
	if (standing != AGENT_RELEASE_BELOW)
		return NULL;
	ledger_policy(ledger, &policy);
	return json_sprintf("this phone runs release %" PRIu32 ", and the network wants %" PRIu32
			    " or a later one",
			    release->number, policy.release_min);
}
