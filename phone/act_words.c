/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of the ledger, and acts that are to become some, in plain words: what somebody signs, and what was signed. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "phone/act_words.h"
#include "phone/agent_json.h"

#define WORDS_MAX 4096

/* Sentences are put together here; what would not fit is left out, with "...". */
struct words {
	const struct agent *agent;
	char text[WORDS_MAX];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void say(struct words *words, const char *format, ...)
{
	size_t room = sizeof(words->text) - words->len;
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(words->text + words->len, room, format, arguments);
	va_end(arguments);
	if (len > 0 && (size_t)len < room)
		words->len += (size_t)len;
	else if (room > 4)
		memcpy(words->text + words->len, "...", 4);
}

static void say_name(struct words *words, struct bytes name)
{
	say(words, "\"%.*s\"", (int)name.len, (const char *)name.data);
}

static void say_extension(struct words *words, uint32_t extension)
{
	const struct ledger_found *found = ledger_founding(talk_ledger(words->agent->talk));

	say(words, "%0*" PRIu32, found == NULL ? 3 : found->digits, extension);
}

/* To the minute, as what people sign. */
static void say_time(struct words *words, uint64_t utc_ms)
{
	json_t *time = agent_json_time(utc_ms);
	const char *text = json_string_value(time);

	if (text != NULL && strlen(text) >= 16)
		say(words, "%.10s %.5s UTC", text, text + 11);
	json_decref(time);
}

static void say_member(struct words *words, const struct ledger_member *member)
{
	if (member == NULL) {
		say(words, "somebody who is not known");
		return;
	}
	say_extension(words, member->extension);
	say(words, " ");
	say_name(words, BYTES(member->name, member->name_len));
}

static const struct ledger_member *member_of(const struct words *words, const uint8_t *key)
{
	const struct ledger *ledger = talk_ledger(words->agent->talk);
	const struct ledger_device *device = ledger_device_by_key(ledger, key);

	return device == NULL ? NULL : ledger_member_by_id(ledger, device->member);
}

static void say_key(struct words *words, const uint8_t *key)
{
	say_member(words, member_of(words, key));
}

/* "14 days", "12 hours", "30 seconds": the largest unit that leaves no rest. */
static void say_span(struct words *words, uint64_t ms)
{
	static const struct {
		uint64_t ms;
		const char *name;
	} units[] = {{86400000, "day"}, {3600000, "hour"}, {60000, "minute"}, {1000, "second"}};

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (ms % units[i].ms != 0 && i + 1 < ARRAY_LEN(units))
			continue;
		say(words, "%" PRIu64 " %s%s", ms / units[i].ms, units[i].name,
		    ms / units[i].ms == 1 ? "" : "s");
		return;
	}
}

static void authorise_say(struct words *words, const struct ledger_authorise *authorise)
{
	say(words, "invite ");
	say_extension(words, authorise->extension);
	say(words, " ");
	say_name(words, authorise->name);
	say(words, ", with up to %u device%s, by ", authorise->devices,
	    authorise->devices == 1 ? "" : "s");
	say_time(words, authorise->expires_ms);
	if (authorise->until_ms == 0)
		return;
	say(words, "; member until ");
	say_time(words, authorise->until_ms);
}

static bool named(const struct ledger_admin_list *list, const uint8_t *key)
{
	for (uint32_t i = 0; i < list->count; i++) {
		if (memcmp(list->admins[i].key, key, LEDGER_KEY_LEN) == 0)
			return true;
	}
	return false;
}

/* Against those before it: what is different stands first. before NULL: it stands alone. */
static void admins_say(struct words *words, const struct ledger_admins *admins,
		       const struct ledger_admin_list *before)
{
	struct wire_cursor cursor = wire_list_walk(&admins->keys);
	struct ledger_admin_list after = {.threshold = admins->threshold};

	while (after.count < LEDGER_ADMINS_MAX &&
	       wire_list_next(&cursor, &ledger_admin_keys_type, &after.admins[after.count]))
		after.count++;
	for (uint32_t i = 0; before != NULL && i < after.count; i++) {
		if (named(before, after.admins[i].key))
			continue;
		say_key(words, after.admins[i].key);
		say(words, " becomes an admin; ");
	}
	for (uint32_t i = 0; before != NULL && i < before->count; i++) {
		if (named(&after, before->admins[i].key))
			continue;
		say_key(words, before->admins[i].key);
		say(words, " is no admin any more; ");
	}
	say(words, "%" PRIu32 " admin%s: ", after.count, after.count == 1 ? "" : "s");
	for (uint32_t i = 0; i < after.count; i++) {
		if (i > 0)
			say(words, ", ");
		say_key(words, after.admins[i].key);
	}
	say(words, "; %" PRIu32 " must sign%s", after.threshold,
	    after.threshold == 1 ? ": one person controls the network" : "");
}

static void policy_say(struct words *words, const struct ledger_policy *policy)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} features[] = {
		{LEDGER_FEATURE_CALLS, "calls"},
		{LEDGER_FEATURE_GROUPS, "groups"},
		{LEDGER_FEATURE_HISTORY, "handing over what was said before"},
		{LEDGER_FEATURE_EXPORT, "export"},
		{LEDGER_FEATURE_READ, "telling what was read"},
	};
	static const char *const bitrates[] = {"12", "16", "24", "32"};
	const char *comma = "";

	say(words, "records are kept for ");
	say_span(words, policy->retention_ms);
	say(words, "; messages ");
	if (policy->disappear_ms == 0) {
		say(words, "stay");
	} else {
		say(words, "go after ");
		say_span(words, policy->disappear_ms);
	}
	if (policy->disappear_max_ms != 0) {
		say(words, ", at most after ");
		say_span(words, policy->disappear_max_ms);
	}
	say(words, "; keys are renewed each ");
	say_span(words, policy->beat_ms);
	if (policy->release_min != 0)
		say(words, "; release %" PRIu32 " or later", policy->release_min);
	say(words, "; calls with");
	for (size_t i = 0; i < ARRAY_LEN(bitrates); i++) {
		if ((policy->bitrates >> i & 1) == 0)
			continue;
		say(words, "%s %s", comma, bitrates[i]);
		comma = ",";
	}
	say(words, " kbit/s; off: ");
	comma = "";
	for (size_t i = 0; i < ARRAY_LEN(features); i++) {
		if ((policy->features_off & features[i].bit) == 0)
			continue;
		say(words, "%s%s", comma, features[i].name);
		comma = ", ";
	}
	if (comma[0] == '\0')
		say(words, "nothing");
}

static void relays_say(struct words *words, const struct ledger_relays *relays)
{
	struct wire_cursor cursor = wire_list_walk(&relays->relays);
	struct ledger_relay relay;
	bool first = true;

	while (wire_list_next(&cursor, &ledger_relay_type, &relay)) {
		say(words, "%s%.*s with the key ", first ? "the relay is " : "; beside it ",
		    (int)relay.address.len, (const char *)relay.address.data);
		for (size_t i = 0; i < 8; i++)
			say(words, "%02x", relay.key[i]);
		say(words, "...");
		first = false;
	}
}

static void release_say(struct words *words, const struct ledger_release *release)
{
	say(words, "release %" PRIu32 " ", release->number);
	say_name(words, release->version);
	say(words, " has the hash ");
	for (size_t i = 0; i < LEDGER_HASH_LEN; i++)
		say(words, "%02x", release->hash[i]);
}

static void enrol_say(struct words *words, const struct ledger_enrol *enrol)
{
	const struct ledger *ledger = talk_ledger(words->agent->talk);
	const struct ledger_invitation_entry *invitation =
		ledger_invitation_by_key(ledger, enrol->invitation_key);

	say_key(words, enrol->device_key);
	say(words, " came in");
	if (invitation != NULL)
		say(words, ", by the invitation of entry %" PRIu64, invitation->index);
}

static void found_say(struct words *words, const struct ledger_found *found)
{
	say(words, "the network ");
	say_name(words, found->network_name);
	say(words, " is founded, with the relay %.*s; ", (int)found->relay_address.len,
	    (const char *)found->relay_address.data);
	say_extension(words, found->extension);
	say(words, " ");
	say_name(words, found->name);
	say(words, " is its first admin");
}

static void subject_say(struct words *words, uint8_t action, const struct ledger_act *act,
			const struct ledger_subject *subject)
{
	const struct ledger_device *device =
		ledger_device_by_key(talk_ledger(words->agent->talk), subject->device_key);

	if (action == LEDGER_REVOKE)
		say(words, "take ");
	else if (action == LEDGER_SUSPEND)
		say(words, "send nothing to ");
	else if (action == LEDGER_RETIRE)
		say(words, "take a device out: number %" PRIu32 " of ",
		    device == NULL ? 0 : device->number);
	say_key(words, subject->device_key);
	if (action == LEDGER_REVOKE) {
		say(words, " out, with all devices, for good");
	} else if (action == LEDGER_SUSPEND) {
		say(words, " for a day, from ");
		say_time(words, act->stated_ms);
	} else if (action == LEDGER_CONFIRM) {
		say(words, " is confirmed: the words were compared");
	}
}

static void term_say(struct words *words, const struct ledger_term *term)
{
	say_key(words, term->device_key);
	if (term->until_ms == 0) {
		say(words, " is a member without an end");
		return;
	}
	say(words, " is a member until ");
	say_time(words, term->until_ms);
}

static void body_say(struct words *words, const struct ledger_act *act,
		     const union ledger_body *body, const struct ledger_admin_list *before)
{
	switch (act->action) {
	case LEDGER_FOUND:
		found_say(words, &body->found);
		break;
	case LEDGER_AUTHORISE:
		authorise_say(words, &body->authorise);
		break;
	case LEDGER_ENROL:
		enrol_say(words, &body->enrol);
		break;
	case LEDGER_CONFIRM:
	case LEDGER_REVOKE:
	case LEDGER_SUSPEND:
	case LEDGER_RETIRE:
		subject_say(words, act->action, act, &body->subject);
		break;
	case LEDGER_ADMINS:
		admins_say(words, &body->admins, before);
		break;
	case LEDGER_POLICY:
		policy_say(words, &body->policy);
		break;
	case LEDGER_RELAYS:
		relays_say(words, &body->relays);
		break;
	case LEDGER_RELEASE:
		release_say(words, &body->release);
		break;
	case LEDGER_TERM:
		term_say(words, &body->term);
		break;
	case LEDGER_FURTHER:
		say_key(words, body->further.approver);
		say(words, " has a further device, ");
		say_name(words, body->further.name);
		break;
	default:
		say(words, "something that this version does not know");
		break;
	}
}

json_t *act_words_json(const struct agent *agent, const struct ledger_entry *entry,
		       const struct ledger_admin_list *before)
{
	struct words *words = calloc(1, sizeof(*words));
	union ledger_body body;
	const char *action = ledger_action_name(entry->act.action);
	json_t *object = NULL;

	if (words == NULL)
		return json_null();
	words->agent = agent;
	if (ledger_body_decode(entry->act.action, entry->act.body, &body) == SOTTO_OK)
		body_say(words, &entry->act, &body, before);
	object = json_pack("{s:s,s:s}", "action", action == NULL ? "unknown" : action, "words",
			   words->text);
	free(words);
	return object;
}

json_t *act_words_signers(const struct agent *agent, const struct ledger_entry *entry)
{
	const struct ledger *ledger = talk_ledger(agent->talk);
	json_t *signers = json_array();

	for (uint8_t i = 0; i < entry->signature_count; i++) {
		const struct ledger_device *device =
			ledger_device_by_key(ledger, entry->signatures[i].key);
		const struct ledger_member *member =
			device == NULL ? NULL : ledger_member_by_id(ledger, device->member);

		if (member != NULL)
			json_array_append_new(signers,
					      agent_json_extension(agent, member->extension));
	}
	return signers;
}

json_t *act_words_entry(const struct agent *agent, uint64_t index)
{
	const struct ledger *ledger = talk_ledger(agent->talk);
	struct ledger_entry entry;
	json_t *object;

	if (ledger_entry_decode(ledger_entry_bytes(ledger, index), &entry) != SOTTO_OK)
		return json_null();
	object = act_words_json(agent, &entry, NULL);
	json_object_set_new(object, "index", json_integer((json_int_t)index));
	json_object_set_new(object, "signed", act_words_signers(agent, &entry));
	json_object_set_new(object, "stated", agent_json_time(entry.act.stated_ms));
	json_object_set_new(object, "head",
			    agent_json_hex(BYTES(ledger_head(ledger, index + 1), LEDGER_HASH_LEN)));
	return object;
}
