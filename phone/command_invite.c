/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sotto invite --csv, --sheet: many people at once, and the cards that are out.
 *
 *	people -> all are checked -> so many at a time are on their way to the ledger -> each card, as it is there
 *	                       or -> a proposal of them all -> others sign it -> the same command has the cards
 *
 * What is wrong is found before anybody is invited: an item for each who cannot be, and nobody is. Asked again, who
 * has a card already gets the same one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "os/clock.h"
#include "phone/agent_json.h"

#define PEOPLE_MAX	    1000 /* of one command: a network has no more */
#define UNDER_WAY_MAX	    16 /* each is stored before the next one: nobody else waits for longer */
#define WAIT_MS		    60000 /* without one card more */
#define INVITATION_VALID_MS (UINT64_C(72) * 3600 * 1000)
#define REASON_LEN	    160

static json_t *card_json(const struct agent *agent, const struct talk_invitation *card)
{
	const struct ledger_found *found = ledger_founding(talk_ledger(agent->talk));

	return json_pack("{s:o,s:o,s:o,s:o,s:o}", "extension",
			 agent_json_extension(agent, card->extension), "name",
			 agent_json_text(BYTES(card->name, card->name_len)), "network",
			 agent_json_text(found->network_name), "invitation",
			 agent_json_text(BYTES(card->text, card->text_len)), "expires",
			 agent_json_time(card->expires_ms));
}

/* False: there is none. */
static bool find_card(const struct agent *agent, uint32_t extension, struct talk_invitation *card)
{
	return talk_invitation_after(agent->talk, extension - 1, os_clock_utc_ms(), card) ==
		       SOTTO_OK &&
	       card->extension == extension;
}

json_t *agent_card_json(const struct agent *agent, uint32_t extension)
{
	struct talk_invitation card = {0};
	json_t *made = find_card(agent, extension, &card) ? card_json(agent, &card) : NULL;

	bytes_wipe(&card, sizeof(card));
	return made;
}

void command_invitations(struct agent_client *client, const json_t *arguments, int *descriptors,
			 size_t descriptors_count)
{
	struct talk_invitation card = {.extension = 0};

	(void)arguments;
	(void)descriptors;
	(void)descriptors_count;
	while (talk_invitation_after(client->agent->talk, card.extension, os_clock_utc_ms(),
				     &card) == SOTTO_OK)
		agent_item(client, card_json(client->agent, &card));
	bytes_wipe(&card, sizeof(card));
	agent_done(client, NULL);
}

/* ---- What is wrong with whom ---- */

static enum sotto_err taken(const struct agent *agent, uint32_t extension, struct bytes name,
			    char reason[REASON_LEN])
{
	const struct ledger *ledger = talk_ledger(agent->talk);
	struct talk_invitation card = {0};
	enum sotto_err err = SOTTO_OK;

	if (find_card(agent, extension, &card)) {
		if (!bytes_equal(BYTES(card.name, card.name_len), name)) {
			(void)snprintf(reason, REASON_LEN,
				       "extension %" PRIu32 " has a card already, for %.*s",
				       extension, (int)card.name_len, (const char *)card.name);
			err = SOTTO_ERR_EXISTS;
		}
	} else if (!ledger_extension_free(ledger, extension, os_clock_utc_ms())) {
		(void)snprintf(reason, REASON_LEN, "extension %" PRIu32 " is taken", extension);
		err = SOTTO_ERR_EXISTS;
	}
	bytes_wipe(&card, sizeof(card));
	return err;
}

static enum sotto_err check_person(const struct agent *agent, const json_t *people, size_t at,
				   char reason[REASON_LEN])
{
	const json_t *person = json_array_get(people, at);
	const json_t *devices = json_object_get(person, "devices");
	uint32_t extension = agent_extension(person, "extension");
	struct bytes name = agent_bytes(person, "name");

	if (!ledger_extension_fits(talk_ledger(agent->talk), extension)) {
		(void)snprintf(reason, REASON_LEN,
			       "extensions of this network have %u digits, and do not begin with 0",
			       ledger_founding(talk_ledger(agent->talk))->digits);
		return SOTTO_ERR_INVALID;
	}
	if (!ledger_name_valid(name)) {
		(void)snprintf(reason, REASON_LEN,
			       "a name has 1 to %d bytes, and no character that is not seen",
			       LEDGER_NAME_MAX);
		return SOTTO_ERR_INVALID;
	}
	if (devices != NULL &&
	    (json_integer_value(devices) < 1 || json_integer_value(devices) > LEDGER_PLACES_MAX)) {
		(void)snprintf(reason, REASON_LEN, "devices are 1 to %d", LEDGER_PLACES_MAX);
		return SOTTO_ERR_INVALID;
	}
	for (size_t i = 0; i < at; i++) {
		if (agent_extension(json_array_get(people, i), "extension") == extension) {
			(void)snprintf(reason, REASON_LEN,
				       "extension %" PRIu32 " is in this list already", extension);
			return SOTTO_ERR_EXISTS;
		}
	}
	return taken(agent, extension, name, reason);
}

/* How many cannot be invited; the client is told of each. */
static size_t check_people(struct agent_client *client, const json_t *people)
{
	char reason[REASON_LEN];
	size_t wrong = 0;

	for (size_t i = 0; i < json_array_size(people); i++) {
		enum sotto_err err = check_person(client->agent, people, i, reason);

		if (err == SOTTO_OK)
			continue;
		wrong++;
		agent_item(client, json_pack("{s:I,s:s,s:s}", "at", (json_int_t)i, "error",
					     agent_error_word(err), "message", reason));
	}
	return wrong;
}

/* ---- Inviting ---- */

void command_invite_many(struct agent_client *client, const json_t *arguments, int *descriptors,
			 size_t descriptors_count)
{
	struct agent *agent = client->agent;
	json_t *people = json_object_get(arguments, "people");
	size_t count = json_array_size(people);
	struct talk_status status;
	size_t wrong;

	(void)descriptors;
	(void)descriptors_count;
	talk_status(agent->talk, &status);
	if (status.state != TALK_MEMBER) {
		agent_fail(client, SOTTO_ERR_STATE,
			   "this phone belongs to no network yet, or not any more");
		return;
	}
	if (count == 0 || count > PEOPLE_MAX) {
		agent_fail(client, SOTTO_ERR_LIMIT, "1 to %d people can be invited at a time",
			   PEOPLE_MAX);
		return;
	}
	wrong = check_people(client, people);
	if (wrong > 0) {
		agent_fail(client, SOTTO_ERR_INVALID, "%zu of %zu cannot be invited: nobody was",
			   wrong, count);
		return;
	}
	if (count > talk_network_room(agent->talk)) {
		agent_fail(client, SOTTO_ERR_LIMIT, "this network has room for %zu more",
			   talk_network_room(agent->talk));
		return;
	}
	command_invite_client_gone(client); /* of a command before that was ended by a lock */
	client->inviting = (struct agent_inviting){.people = json_incref(people),
						   .proposals = json_array(),
						   .told = calloc(count, sizeof(bool))};
	if (client->inviting.told == NULL || client->inviting.proposals == NULL) {
		command_invite_client_gone(client);
		agent_fail(client, SOTTO_ERR_NO_MEMORY, "no memory");
		return;
	}
	agent_client_wait(client, AGENT_WAIT_INVITE_MANY, WAIT_MS);
	agent_pump(agent);
}

void command_invite_client_gone(struct agent_client *client)
{
	json_decref(client->inviting.people);
	json_decref(client->inviting.proposals);
	free(client->inviting.told);
	client->inviting = (struct agent_inviting){.people = NULL};
}

/* The others can be invited by the same command again. */
static void give_up(struct agent_client *client, enum sotto_err err, const char *why)
{
	agent_fail(client, err, "%s; %zu of %zu have their cards, and the same command goes on",
		   why, client->inviting.told_count, json_array_size(client->inviting.people));
	command_invite_client_gone(client);
}

void command_invite_timeout(struct agent_client *client)
{
	char trouble[AGENT_TROUBLE_LEN];

	give_up(client, SOTTO_ERR_AGAIN,
		agent_link_trouble(client->agent, trouble) ? trouble : "the relay is slow");
}

/* Is one signature enough? If not, what is wanted is proposed, and the cards come when others have signed. */
static bool alone(const struct agent *agent)
{
	return ledger_threshold(talk_ledger(agent->talk)) == 1;
}

static size_t guests_of(const struct agent_inviting *inviting, size_t max,
			struct talk_guest guests[TALK_GUESTS_MAX])
{
	size_t count = json_array_size(inviting->people) - inviting->next;

	count = count < max ? count : max;
	for (size_t i = 0; i < count; i++) {
		const json_t *person = json_array_get(inviting->people, inviting->next + i);
		const json_t *devices = json_object_get(person, "devices");

		guests[i] = (struct talk_guest){
			.extension = agent_extension(person, "extension"),
			.name = agent_bytes(person, "name"),
			.places = devices != NULL ? (uint8_t)json_integer_value(devices)
						  : TALK_PLACES};
	}
	return count;
}

/* A part of them: one proposal, or so many entries as may be under way. */
static enum sotto_err invite_some(struct agent *agent, struct agent_inviting *inviting)
{
	size_t under_way = inviting->next - inviting->told_count;
	size_t max = alone(agent) ? UNDER_WAY_MAX - under_way : TALK_GUESTS_MAX;
	struct talk_guest guests[TALK_GUESTS_MAX];
	size_t count = guests_of(inviting, max, guests);
	size_t wrong;
	enum sotto_err err;

	err = talk_invite_all(agent->talk, guests, count, INVITATION_VALID_MS, &wrong,
			      os_clock_now_ns(), os_clock_utc_ms());
	err = agent_commit(agent, err);
	if (err == SOTTO_OK)
		inviting->next += count;
	return err;
}

static void finish(struct agent_client *client)
{
	struct agent_inviting *inviting = &client->inviting;
	size_t waiting = json_array_size(inviting->people) - inviting->told_count;
	json_t *done = json_pack("{s:I}", "invited", (json_int_t)inviting->told_count);

	if (waiting > 0) {
		json_object_set_new(done, "waiting", json_integer((json_int_t)waiting));
		json_object_set(done, "proposals", inviting->proposals);
	}
	agent_done(client, done);
	command_invite_client_gone(client);
}

static void invite_more(struct agent_client *client)
{
	struct agent_inviting *inviting = &client->inviting;
	bool proposed = !alone(client->agent);
	enum sotto_err err = SOTTO_OK;

	/* Events of the last part were told. */
	if (proposed && inviting->next == json_array_size(inviting->people)) {
		finish(client);
		return;
	}
	if (!proposed && (inviting->next == json_array_size(inviting->people) ||
			  inviting->next - inviting->told_count >= UNDER_WAY_MAX))
		return;
	err = invite_some(client->agent, inviting);
	if (err != SOTTO_OK)
		give_up(client, err,
			err == SOTTO_ERR_DENIED ? "only an admin can do this"
						: sotto_err_text(err));
}

void command_invite_settle(struct agent *agent)
{
	list_for_each (place, following, &agent->clients) {
		struct agent_client *client = CONTAINER_OF(place, struct agent_client, place);

		if (client->wait == AGENT_WAIT_INVITE_MANY && agent->talk != NULL)
			invite_more(client);
	}
}

static void tell_card(struct agent_client *client, size_t at, uint32_t extension)
{
	struct agent_inviting *inviting = &client->inviting;
	json_t *card = agent_card_json(client->agent, extension);

	if (card == NULL) {
		give_up(client, SOTTO_ERR_NOT_FOUND, "a card was used or withdrawn at once");
		return;
	}
	agent_item(client, card);
	inviting->told[at] = true;
	inviting->told_count++;
	agent_client_wait(client, AGENT_WAIT_INVITE_MANY, WAIT_MS);
	if (inviting->told_count == json_array_size(inviting->people))
		finish(client);
}

static void tell_client(struct agent_client *client, const struct talk_event *event)
{
	struct agent_inviting *inviting = &client->inviting;
	char why[REASON_LEN];

	if (event->type == TALK_EVENT_PROPOSAL) {
		if (event->own && event->proposal == TALK_PROPOSAL_MADE)
			json_array_append_new(inviting->proposals,
					      agent_proposal_json(client->agent, event->text));
		return;
	}
	for (size_t i = 0; i < inviting->next; i++) {
		const json_t *person = json_array_get(inviting->people, i);

		if (inviting->told[i] || agent_extension(person, "extension") != event->extension)
			continue;
		if (event->type == TALK_EVENT_INVITED) {
			tell_card(client, i, event->extension);
			return;
		}
		(void)snprintf(why, sizeof(why),
			       "something else about extension %" PRIu32 " was decided before this",
			       event->extension);
		give_up(client, event->err, why);
		return;
	}
}

void command_invite_event(struct agent *agent, const struct talk_event *event)
{
	list_for_each (place, following, &agent->clients) {
		struct agent_client *client = CONTAINER_OF(place, struct agent_client, place);

		if (client->wait == AGENT_WAIT_INVITE_MANY)
			tell_client(client, event);
	}
}
