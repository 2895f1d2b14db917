/* SPDX-License-Identifier: Apache-2.0 */
/* sotto verify-release asks whether the ledger names a hash; status, whether it names what this phone runs. */
#include <inttypes.h>
#include <string.h>

#include "base/hex.h"
#include "phone/agent_json.h"
#include "phone/agent_release.h"

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

void command_release(struct agent_client *client, const json_t *arguments, int *descriptors,
		     size_t descriptors_count)
{
	const struct agent *agent = client->agent;
	const struct ledger *ledger = talk_ledger(agent->talk);
	struct bytes text = agent_bytes(arguments, "hash");
	struct agent_release_entry found;
	uint8_t hash[LEDGER_HASH_LEN];
	size_t len = 0;

	(void)descriptors;
	(void)descriptors_count;
	if (hex_decode((const char *)text.data, text.len, hash, sizeof(hash), &len) != SOTTO_OK ||
	    len != sizeof(hash)) {
		agent_fail(client, SOTTO_ERR_ARGUMENT, "\"hash\" of release is %d digits of hex",
			   2 * LEDGER_HASH_LEN);
		return;
	}
	if (ledger_release_newest(ledger) == NULL) {
		agent_fail(client, SOTTO_ERR_NOT_FOUND,
			   "the ledger names no release at all, so not this one either");
		return;
	}
	if (!agent_release_find(ledger, hash, &found)) {
		agent_fail(client, SOTTO_ERR_NOT_FOUND,
			   "no entry of the ledger names this release: do not run it unless you "
			   "know better where it is from");
		return;
	}
	agent_done(client, json_pack("{s:o,s:I,s:o,s:I,s:o,s:o,s:b,s:b,s:b}", "hash",
				     agent_json_hex(BYTES_OF(hash)), "number",
				     (json_int_t)found.release->number, "version",
				     agent_json_text(found.release->version), "index",
				     (json_int_t)found.index, "signed_at",
				     agent_json_time(found.entry.act.stated_ms), "signers",
				     signers_json(agent, &found.entry), "newest", found.newest,
				     "below_minimum", found.below_minimum, "running",
				     agent->release.known &&
					     memcmp(agent->release.hash, hash, sizeof(hash)) == 0));
}

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
