/* SPDX-License-Identifier: Apache-2.0 */
/* sotto policy: what holds for all phones, and what it is to become. */
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "phone/act_words.h"
#include "phone/agent_json.h"

#define LANDING_WAIT_MS 60000

static const struct {
	uint32_t bit;
	const char *name;
} features[] = {
	{LEDGER_FEATURE_CALLS, "calls"},     {LEDGER_FEATURE_GROUPS, "groups"},
	{LEDGER_FEATURE_HISTORY, "history"}, {LEDGER_FEATURE_EXPORT, "export"},
	{LEDGER_FEATURE_READ, "read"},
};

static const uint32_t bitrates[] = {12, 16, 24, 32};

static json_t *seconds_json(uint64_t ms)
{
	return json_integer((json_int_t)(ms / 1000));
}

static json_t *policy_json(const struct agent *agent)
{
	const struct ledger *ledger = talk_ledger(agent->talk);
	uint64_t index = ledger_policy_index(ledger);
	struct ledger_policy policy;
	json_t *off = json_array();
	json_t *rates = json_array();

	ledger_policy(ledger, &policy);
	for (size_t i = 0; i < ARRAY_LEN(features); i++) {
		if ((policy.features_off & features[i].bit) != 0)
			json_array_append_new(off, json_string(features[i].name));
	}
	for (size_t i = 0; i < ARRAY_LEN(bitrates); i++) {
		if ((policy.bitrates >> i & 1) != 0)
			json_array_append_new(rates, json_integer(bitrates[i]));
	}
	return json_pack("{s:o,s:o,s:o,s:o,s:I,s:o,s:o,s:o}", "retention_s",
			 seconds_json(policy.retention_ms), "disappear_s",
			 seconds_json(policy.disappear_ms), "disappear_max_s",
			 seconds_json(policy.disappear_max_ms), "beat_s",
			 seconds_json(policy.beat_ms), "release_min",
			 (json_int_t)policy.release_min, "off", off, "bitrates", rates, "entry",
			 index == 0 ? json_null() : json_integer((json_int_t)index));
}

void command_policy(struct agent_client *client, const json_t *arguments, int *descriptors,
		    size_t descriptors_count)
{
	(void)arguments;
	(void)descriptors;
	(void)descriptors_count;
	agent_done(client, policy_json(client->agent));
}

/* What is not given stays. False: out of range. */
static bool take_seconds(const json_t *arguments, const char *name, uint64_t *ms)
{
	const json_t *value = json_object_get(arguments, name);
	json_int_t seconds = json_integer_value(value);

	if (value == NULL)
		return true;
	if (seconds < 0 || (uint64_t)seconds > LEDGER_RETENTION_MAX / 1000)
		return false;
	*ms = (uint64_t)seconds * 1000;
	return true;
}

static bool take_off(const json_t *arguments, uint32_t *off)
{
	json_t *list = json_object_get(arguments, "off");
	size_t index;
	json_t *item;
	uint32_t made = 0;

	if (list == NULL)
		return true;
	json_array_foreach(list, index, item)
	{
		size_t at = 0;

		while (at < ARRAY_LEN(features) &&
		       strcmp(features[at].name, json_string_value(item)) != 0)
			at++;
		if (at == ARRAY_LEN(features))
			return false;
		made |= features[at].bit;
	}
	*off = made;
	return true;
}

/* As strings, "12" to "32". */
static bool take_bitrates(const json_t *arguments, uint8_t *bits)
{
	json_t *list = json_object_get(arguments, "bitrates");
	size_t index;
	json_t *item;
	uint32_t made = 0;

	if (list == NULL)
		return true;
	json_array_foreach(list, index, item)
	{
		uint32_t rate = agent_extension_of(item);
		size_t at = 0;

		while (at < ARRAY_LEN(bitrates) && bitrates[at] != rate)
			at++;
		if (at == ARRAY_LEN(bitrates))
			return false;
		made |= 1u << at;
	}
	*bits = (uint8_t)made;
	return made != 0;
}

static bool take(const json_t *arguments, struct ledger_policy *policy)
{
	const json_t *release = json_object_get(arguments, "release_min");
	json_int_t number = json_integer_value(release);

	if (release != NULL && (number < 0 || number > UINT32_MAX))
		return false;
	if (release != NULL)
		policy->release_min = (uint32_t)number;
	return take_seconds(arguments, "retention_s", &policy->retention_ms) &&
	       take_seconds(arguments, "disappear_s", &policy->disappear_ms) &&
	       take_seconds(arguments, "disappear_max_s", &policy->disappear_max_ms) &&
	       take_seconds(arguments, "beat_s", &policy->beat_ms) &&
	       take_off(arguments, &policy->features_off) &&
	       take_bitrates(arguments, &policy->bitrates);
}

void command_policy_set(struct agent_client *client, const json_t *arguments, int *descriptors,
			size_t descriptors_count)
{
	struct agent *agent = client->agent;
	union ledger_body body;
	enum sotto_err err;

	(void)descriptors;
	(void)descriptors_count;
	ledger_policy(talk_ledger(agent->talk), &body.policy);
	if (!take(arguments, &body.policy)) {
		agent_fail(client, SOTTO_ERR_ARGUMENT,
			   "a policy has other values: see `man sotto`, policy");
		return;
	}
	client->serial = ledger_policy_index(talk_ledger(agent->talk));
	err = talk_act_of(agent->talk, LEDGER_POLICY, &body, os_clock_now_ns(), os_clock_utc_ms());
	err = agent_commit(agent, err);
	if (err == SOTTO_ERR_DENIED)
		agent_fail(client, err, "only an admin can do this");
	else if (err == SOTTO_ERR_STATE)
		agent_fail(client, err, "this phone belongs to no network yet, or not any more");
	else if (err == SOTTO_ERR_NOT_FOUND)
		agent_fail(client, err, "no release with this number is in the ledger");
	else if (err == SOTTO_ERR_INVALID)
		agent_fail(client, err,
			   "records are kept for 1 to 365 days, keys are renewed each hour to each "
			   "30 days, and messages go after 30 seconds to 365 days, and not later "
			   "than the most that is allowed");
	else if (err == SOTTO_ERR_LIMIT)
		agent_fail(client, err, "%d proposals of this phone are open",
			   TALK_PROPOSALS_BY_MAX);
	else if (err != SOTTO_OK)
		agent_fail(client, err, "not changed: %s", sotto_err_text(err));
	else
		agent_client_wait(client, AGENT_WAIT_POLICY, LANDING_WAIT_MS);
}

void command_policy_look(struct agent_client *client)
{
	if (ledger_policy_index(talk_ledger(client->agent->talk)) > client->serial)
		agent_done(client, policy_json(client->agent));
}

bool command_feature(struct agent_client *client, uint32_t feature, const char *words)
{
	struct ledger_policy policy;

	ledger_policy(talk_ledger(client->agent->talk), &policy);
	if ((policy.features_off & feature) == 0)
		return true;
	agent_fail(client, SOTTO_ERR_UNSUPPORTED,
		   "this network's policy switches %s off: see `sotto policy`", words);
	return false;
}
