/* SPDX-License-Identifier: Apache-2.0 */
/* sotto pending, approve, refuse, admin, suspend, confirm: what admins sign, and what a member says of a newcomer. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "os/clock.h"
#include "phone/act_words.h"
#include "phone/agent_json.h"

#define LANDING_WAIT_MS 60000

static json_t *extensions_json(const struct agent *agent, const uint32_t *extensions,
			       uint32_t count)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(list, agent_json_extension(agent, extensions[i]));
	return list;
}

static json_t *acts_json(const struct agent *agent, const char *code)
{
	const struct ledger *ledger = talk_ledger(agent->talk);
	struct ledger_admin_list before;
	struct ledger_entry entry;
	json_t *acts = json_array();

	if (ledger_admins_at(ledger, ledger_admins_serial(ledger), &before) != SOTTO_OK)
		return acts;
	for (uint32_t i = 0; talk_proposal_act(agent->talk, BYTES(code, TALK_CODE_LEN), i, &entry);
	     i++)
		json_array_append_new(acts, act_words_json(agent, &entry, &before));
	return acts;
}

static json_t *proposal_json(const struct agent *agent, const struct talk_proposal_info *info)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:b,s:b}", "id", agent_json_code(info->code),
			 "by", agent_json_extension(agent, info->by), "since",
			 agent_json_time(info->since_ms), "acts", acts_json(agent, info->code),
			 "signed", extensions_json(agent, info->signed_by, info->signed_count),
			 "refused", extensions_json(agent, info->refused_by, info->refused_count),
			 "needed", (json_int_t)info->needed, "ours", info->ours, "may", info->may);
}

static void fail_decision(struct agent_client *client, enum sotto_err err)
{
	if (err == SOTTO_ERR_NOT_FOUND)
		agent_fail(client, err,
			   "no such proposal is open: see `sotto pending`; perhaps it was decided");
	else if (err == SOTTO_ERR_DENIED)
		agent_fail(client, err, "only an admin can do this");
	else if (err == SOTTO_ERR_EXISTS)
		agent_fail(client, err, "this phone has said so already");
	else if (err == SOTTO_ERR_STATE)
		agent_fail(client, err,
			   "who proposed this has withdrawn it, or this phone is no member");
	else if (err == SOTTO_ERR_AGAIN)
		agent_fail(client, err,
			   "this phone does not know yet how things stand: try again when it is "
			   "connected");
	else
		agent_fail(client, err, "%s", sotto_err_text(err));
}

void command_pending(struct agent_client *client, const json_t *arguments, int *descriptors,
		     size_t descriptors_count)
{
	struct agent *agent = client->agent;
	struct bytes id = agent_bytes(arguments, "id");
	struct talk_proposal_info info;
	uint64_t cursor = 0;
	enum sotto_err err;

	(void)descriptors;
	(void)descriptors_count;
	if (id.len > 0) {
		err = talk_proposal_get(agent->talk, id, &info);
		if (err != SOTTO_OK) {
			fail_decision(client, err);
			return;
		}
		agent_item(client, proposal_json(agent, &info));
	}
	while (id.len == 0 && talk_next_proposal(agent->talk, &cursor, &info))
		agent_item(client, proposal_json(agent, &info));
	agent_done(client, NULL);
}

/* How it stands now: its last signature may have been this one. */
static void decided(struct agent_client *client, struct bytes id)
{
	struct talk_proposal_info info;

	if (talk_proposal_get(client->agent->talk, id, &info) == SOTTO_OK)
		agent_done(client, json_pack("{s:o,s:I}", "id", agent_json_code(info.code),
					     "needed", (json_int_t)info.needed));
	else
		agent_done(client, json_pack("{s:I}", "needed", (json_int_t)0));
}

typedef enum sotto_err decide_fn(struct talk *talk, struct bytes id, uint64_t now_ns,
				 uint64_t utc_ms);

static void decide(struct agent_client *client, const json_t *arguments, decide_fn *how)
{
	struct bytes id = agent_bytes(arguments, "id");
	enum sotto_err err = how(client->agent->talk, id, os_clock_now_ns(), os_clock_utc_ms());

	err = agent_commit(client->agent, err);
	if (err != SOTTO_OK)
		fail_decision(client, err);
	else
		decided(client, id);
}

void command_approve(struct agent_client *client, const json_t *arguments, int *descriptors,
		     size_t descriptors_count)
{
	(void)descriptors;
	(void)descriptors_count;
	decide(client, arguments, talk_approve);
}

void command_refuse(struct agent_client *client, const json_t *arguments, int *descriptors,
		    size_t descriptors_count)
{
	(void)descriptors;
	(void)descriptors_count;
	decide(client, arguments, talk_refuse);
}

/* ---- Admins ---- */

void command_admin_list(struct agent_client *client, const json_t *arguments, int *descriptors,
			size_t descriptors_count)
{
	struct agent *agent = client->agent;
	const struct ledger *ledger = talk_ledger(agent->talk);

	(void)arguments;
	(void)descriptors;
	(void)descriptors_count;
	for (uint32_t i = 0; i < ledger_admin_count(ledger); i++) {
		const struct ledger_device *device =
			ledger_device_by_key(ledger, ledger_admin_at(ledger, i));
		const struct ledger_member *member = ledger_member_by_id(ledger, device->member);

		agent_item(client, json_pack("{s:o,s:s,s:I}", "extension",
					     agent_json_extension(agent, member->extension), "name",
					     member->name, "device", (json_int_t)device->number));
	}
	agent_done(client, json_pack("{s:I}", "threshold", (json_int_t)ledger_threshold(ledger)));
}

static void fail_admins(struct agent_client *client, enum sotto_err err, uint32_t extension)
{
	const struct ledger *ledger = talk_ledger(client->agent->talk);

	if (err == SOTTO_ERR_DENIED)
		agent_fail(client, err, "only an admin can do this");
	else if (err == SOTTO_ERR_STATE)
		agent_fail(client, err, "this phone belongs to no network yet, or not any more");
	else if (err == SOTTO_ERR_EXISTS)
		agent_fail(client, err, "it is so already");
	else if (err == SOTTO_ERR_LIMIT)
		agent_fail(client, err,
			   "there are %d admins at most, and %d proposals of one phone at a time",
			   LEDGER_ADMINS_MAX, TALK_PROPOSALS_BY_MAX);
	else if (err == SOTTO_ERR_NOT_FOUND)
		agent_fail(client, err,
			   "nobody with extension %u can be that here: a member whose phone is "
			   "confirmed and was online once, or an admin",
			   extension);
	else if (err == SOTTO_ERR_INVALID)
		agent_fail(client, err,
			   "of %u admins %u must sign now, and at least one may be missing: say "
			   "how many with --threshold; one whose membership ends cannot be an "
			   "admin",
			   ledger_admin_count(ledger), ledger_threshold(ledger));
	else
		agent_fail(client, err, "%s", sotto_err_text(err));
}

static uint32_t number_of(const json_t *arguments, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(arguments, name));

	return value > 0 && value <= UINT8_MAX ? (uint32_t)value : 0;
}

/* It stands in the ledger when that is longer, or is proposed: command_admin_event tells. */
static void wait_for(struct agent_client *client, enum sotto_err err, uint32_t extension,
		     uint64_t serial)
{
	err = agent_commit(client->agent, err);
	if (err != SOTTO_OK) {
		fail_admins(client, err, extension);
		return;
	}
	client->extension = extension;
	client->serial = serial;
	agent_client_wait(client, AGENT_WAIT_ADMINS, LANDING_WAIT_MS);
}

/* Of several it is to be said which one. */
static bool device_named(struct agent_client *client, const json_t *arguments, uint32_t extension)
{
	const struct ledger_member *member =
		ledger_member_by_extension(talk_ledger(client->agent->talk), extension);

	if (member == NULL || member->devices < 2 || number_of(arguments, "device") != 0)
		return true;
	agent_fail(client, SOTTO_ERR_ARGUMENT,
		   "%u has %u devices: name the one that is to sign with --device, see `sotto "
		   "device list %u`",
		   extension, member->devices, extension);
	return false;
}

void command_admin_add(struct agent_client *client, const json_t *arguments, int *descriptors,
		       size_t descriptors_count)
{
	struct talk *talk = client->agent->talk;
	uint32_t extension = agent_extension(arguments, "extension");
	uint64_t serial = ledger_admins_serial(talk_ledger(talk));

	(void)descriptors;
	(void)descriptors_count;
	if (!device_named(client, arguments, extension))
		return;
	wait_for(client,
		 talk_admin_add(talk, extension, number_of(arguments, "device"),
				number_of(arguments, "threshold"), os_clock_now_ns(),
				os_clock_utc_ms()),
		 extension, serial);
}

void command_admin_remove(struct agent_client *client, const json_t *arguments, int *descriptors,
			  size_t descriptors_count)
{
	struct talk *talk = client->agent->talk;
	uint32_t extension = agent_extension(arguments, "extension");
	uint64_t serial = ledger_admins_serial(talk_ledger(talk));

	(void)descriptors;
	(void)descriptors_count;
	wait_for(client,
		 talk_admin_remove(talk, extension, number_of(arguments, "threshold"),
				   os_clock_now_ns(), os_clock_utc_ms()),
		 extension, serial);
}

void command_admin_threshold(struct agent_client *client, const json_t *arguments, int *descriptors,
			     size_t descriptors_count)
{
	struct talk *talk = client->agent->talk;
	uint64_t serial = ledger_admins_serial(talk_ledger(talk));

	(void)descriptors;
	(void)descriptors_count;
	wait_for(client,
		 talk_admin_threshold(talk, number_of(arguments, "threshold"), os_clock_now_ns(),
				      os_clock_utc_ms()),
		 0, serial);
}

/* ---- Members ---- */

void command_suspend(struct agent_client *client, const json_t *arguments, int *descriptors,
		     size_t descriptors_count)
{
	struct agent *agent = client->agent;
	uint32_t extension = agent_extension(arguments, "extension");
	enum sotto_err err;

	(void)descriptors;
	(void)descriptors_count;
	err = talk_suspend(agent->talk, extension, os_clock_now_ns(), os_clock_utc_ms());
	err = agent_commit(agent, err);
	if (err == SOTTO_ERR_DENIED)
		agent_fail(client, err, "only an admin can do this");
	else if (err == SOTTO_ERR_NOT_FOUND)
		agent_fail(client, err, "nobody has extension %u here", extension);
	else if (err == SOTTO_ERR_INVALID)
		agent_fail(client, err, "an admin cannot be suspended");
	else if (err == SOTTO_ERR_LIMIT)
		agent_fail(client, err,
			   "%d members are suspended already, or too many proposals are open",
			   LEDGER_SUSPENDED_MAX);
	else if (err != SOTTO_OK)
		agent_fail(client, err, "not suspended: %s", sotto_err_text(err));
	if (err != SOTTO_OK)
		return;
	client->extension = extension;
	agent_client_wait(client, AGENT_WAIT_SUSPEND, LANDING_WAIT_MS);
}

void command_confirm(struct agent_client *client, const json_t *arguments, int *descriptors,
		     size_t descriptors_count)
{
	struct agent *agent = client->agent;
	uint32_t extension = agent_extension(arguments, "extension");
	enum sotto_err err;

	(void)descriptors;
	(void)descriptors_count;
	err = talk_confirm(agent->talk, extension, agent_bytes(arguments, "code"),
			   os_clock_now_ns(), os_clock_utc_ms());
	err = agent_commit(agent, err);
	if (err == SOTTO_ERR_NOT_FOUND)
		agent_fail(client, err, "nobody with extension %u waits to be confirmed",
			   extension);
	else if (err == SOTTO_ERR_VERIFY)
		agent_fail(client, err,
			   "that is not the code of the phone that came in as %u. Read it out once "
			   "more; if it stays so, somebody else has used the card: `sotto revoke "
			   "%u`",
			   extension, extension);
	else if (err == SOTTO_ERR_DENIED)
		agent_fail(client, err,
			   "this phone may not confirm %u: its person signed the invitation, or it "
			   "is not confirmed itself",
			   extension);
	else if (err != SOTTO_OK)
		agent_fail(client, err, "not confirmed: %s", sotto_err_text(err));
	if (err != SOTTO_OK)
		return;
	client->extension = extension;
	agent_client_wait(client, AGENT_WAIT_CONFIRM, LANDING_WAIT_MS);
}

/* The number of digits at this place; UINT32_MAX: there are others. */
static uint32_t digits_at(const char *text, size_t count)
{
	uint32_t number = 0;

	for (size_t i = 0; i < count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return UINT32_MAX;
		number = number * 10 + (uint32_t)(text[i] - '0');
	}
	return number;
}

static bool is_leap(uint32_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint32_t days_in(uint32_t year, uint32_t month)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (uint32_t)(month == 2 && is_leap(year));
}

/* When a day ends, UTC: YYYY-MM-DD. 0: it is none. */
static uint64_t end_of_day(const char *date)
{
	uint32_t year, month, day;
	uint64_t days = 0;

	if (strlen(date) != 10 || date[4] != '-' || date[7] != '-')
		return 0;
	year = digits_at(date, 4);
	month = digits_at(date + 5, 2);
	day = digits_at(date + 8, 2);
	if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 ||
	    day > days_in(year, month))
		return 0;
	for (uint32_t before = 1970; before < year; before++)
		days += 365 + (uint32_t)is_leap(before);
	for (uint32_t before = 1; before < month; before++)
		days += days_in(year, before);
	return (days + day) * 86400 * 1000;
}

bool command_until(struct agent_client *client, const json_t *arguments, uint64_t *until_ms)
{
	const char *until = agent_text(arguments, "until");

	*until_ms = 0;
	if (until == NULL || strcmp(until, "none") == 0)
		return true;
	*until_ms = end_of_day(until);
	if (*until_ms > os_clock_utc_ms())
		return true;
	agent_fail(client, SOTTO_ERR_ARGUMENT,
		   "the end of a membership is a day to come, YYYY-MM-DD, or none: %s", until);
	return false;
}

void command_term(struct agent_client *client, const json_t *arguments, int *descriptors,
		  size_t descriptors_count)
{
	struct agent *agent = client->agent;
	uint32_t extension = agent_extension(arguments, "extension");
	enum sotto_err err;
	uint64_t until_ms;

	(void)descriptors;
	(void)descriptors_count;
	if (!command_until(client, arguments, &until_ms))
		return;
	err = talk_term(agent->talk, extension, until_ms, os_clock_now_ns(), os_clock_utc_ms());
	err = agent_commit(agent, err);
	if (err == SOTTO_ERR_INVALID)
		agent_fail(client, err, "the membership of an admin has no end");
	else if (err == SOTTO_ERR_DENIED)
		agent_fail(client, err, "only an admin can do this");
	else if (err == SOTTO_ERR_NOT_FOUND)
		agent_fail(client, err, "nobody has extension %u here", extension);
	else if (err != SOTTO_OK)
		agent_fail(client, err, "not changed: %s", sotto_err_text(err));
	if (err != SOTTO_OK)
		return;
	client->extension = extension;
	client->until_ms = until_ms;
	agent_client_wait(client, AGENT_WAIT_TERM, LANDING_WAIT_MS);
}

/* ---- What came of it ---- */

static bool is_confirmed(const struct agent_client *client)
{
	char code[TALK_CODE_LEN + 1];

	return talk_confirm_words(client->agent->talk, client->extension, code) != SOTTO_OK;
}

static bool is_suspended(const struct agent_client *client)
{
	const struct ledger_member *member =
		ledger_member_by_extension(talk_ledger(client->agent->talk), client->extension);
	uint64_t now_ms = os_clock_utc_ms();

	return member != NULL && member->suspended_ms != 0 &&
	       now_ms < member->suspended_ms + LEDGER_SUSPEND_MS;
}

static bool ends_so(const struct agent_client *client)
{
	const struct ledger_member *member =
		ledger_member_by_extension(talk_ledger(client->agent->talk), client->extension);

	return member != NULL && member->until_ms == client->until_ms;
}

static json_t *extension_json(const struct agent_client *client, const char *state)
{
	return json_pack("{s:o,s:s}", "extension",
			 agent_json_extension(client->agent, client->extension), "state", state);
}

static void look(struct agent_client *client)
{
	const struct ledger *ledger = talk_ledger(client->agent->talk);

	if (client->wait == AGENT_WAIT_ADMINS && ledger_admins_serial(ledger) > client->serial)
		agent_done(client,
			   json_pack("{s:I,s:I}", "admins", (json_int_t)ledger_admin_count(ledger),
				     "threshold", (json_int_t)ledger_threshold(ledger)));
	else if (client->wait == AGENT_WAIT_SUSPEND && is_suspended(client))
		agent_done(client, extension_json(client, "suspended"));
	else if (client->wait == AGENT_WAIT_POLICY)
		command_policy_look(client);
	else if (client->wait == AGENT_WAIT_TERM && ends_so(client))
		agent_done(client,
			   extension_json(client, client->until_ms == 0 ? "a member without an end"
									: "a member until then"));
	else if (client->wait == AGENT_WAIT_CONFIRM && is_confirmed(client))
		agent_done(client, extension_json(client, "confirmed"));
	else if (client->wait == AGENT_WAIT_RELEASE)
		command_release_look(client);
}

json_t *agent_proposal_json(const struct agent *agent, struct bytes code)
{
	struct talk_proposal_info info;

	if (talk_proposal_get(agent->talk, code, &info) != SOTTO_OK)
		return NULL;
	return proposal_json(agent, &info);
}

void command_admin_proposed(struct agent_client *client, const struct talk_event *event)
{
	json_t *proposal = agent_proposal_json(client->agent, event->text);

	if (proposal != NULL)
		agent_done(client, json_pack("{s:o}", "proposal", proposal));
}

static bool waits(const struct agent_client *client)
{
	return client->wait == AGENT_WAIT_ADMINS || client->wait == AGENT_WAIT_SUSPEND ||
	       client->wait == AGENT_WAIT_CONFIRM || client->wait == AGENT_WAIT_TERM ||
	       client->wait == AGENT_WAIT_POLICY || client->wait == AGENT_WAIT_RELEASE;
}

void command_admin_event(struct agent *agent, const struct talk_event *event)
{
	list_for_each (place, following, &agent->clients) {
		struct agent_client *client = CONTAINER_OF(place, struct agent_client, place);

		if (!waits(client))
			continue;
		if (event->type == TALK_EVENT_PROPOSAL && event->own &&
		    event->proposal == TALK_PROPOSAL_MADE)
			command_admin_proposed(client, event);
		else if (event->type == TALK_EVENT_MEMBERS)
			look(client);
		else if (event->type == TALK_EVENT_ACT_FAILED)
			agent_fail(client, event->err,
				   "refused: something else was decided before this");
	}
}
