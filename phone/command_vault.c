/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands about the vault. Passphrases never stand in a line: they come through a descriptor beside it (a
 * pipe that the command wrote and closed), are used once and wiped.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "os/descriptor.h"
#include "os/random.h"
#include "os/vfs.h"
#include "phone/agent.h"

struct passphrase {
	uint8_t data[AGENT_PASSPHRASE_MAX + 1];
	size_t len;
};

static struct vault_config vault_configuration(void)
{
	return (struct vault_config){
		.allocator = &allocator_default,
		.random = &os_random,
		.vfs = OS_VFS_NAME,
		.path = PHONE_VAULT_NAME,
	};
}

/*
 * To the end of the pipe. It was written and closed before the line was sent, so there is nothing to wait
 * for: who still holds it open is refused, and does not hold up everybody else.
 */
static enum sotto_err read_passphrase(const int *descriptors, size_t count, size_t which,
				      struct passphrase *passphrase)
{
	int flags;

	passphrase->len = 0;
	if (which >= count)
		return SOTTO_ERR_ARGUMENT;
	flags = fcntl(descriptors[which], F_GETFL);
	if (flags < 0 || fcntl(descriptors[which], F_SETFL, flags | O_NONBLOCK) != 0)
		return SOTTO_ERR_ARGUMENT;
	while (passphrase->len < sizeof(passphrase->data)) {
		ssize_t got = read(descriptors[which], passphrase->data + passphrase->len,
				   sizeof(passphrase->data) - passphrase->len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return SOTTO_ERR_ARGUMENT;
		if (got == 0)
			break;
		passphrase->len += (size_t)got;
	}
	if (passphrase->len == 0 || passphrase->len > AGENT_PASSPHRASE_MAX)
		return SOTTO_ERR_ARGUMENT;
	return SOTTO_OK;
}

static void fail_vault(struct agent_client *client, enum sotto_err err)
{
	const char *home = os_directory_path(client->agent->home);

	switch ((int)err) {
	case SOTTO_ERR_DENIED:
		agent_fail(client, err, "wrong passphrase");
		return;
	case SOTTO_ERR_NOT_FOUND:
		agent_fail(client, err,
			   "there is no phone in %s yet: `sotto found` or `sotto join`", home);
		return;
	case SOTTO_ERR_EXISTS:
		agent_fail(client, err, "there is a phone in %s already", home);
		return;
	case SOTTO_ERR_VERSION:
		agent_fail(client, err, "%s was written by a newer sotto; use that one", home);
		return;
	case SOTTO_ERR_CORRUPT:
		agent_fail(client, err, "the vault in %s is damaged; nothing was changed", home);
		return;
	case SOTTO_ERR_DISK_FULL:
		agent_fail(client, err, "no room on the disk of %s; nothing was lost", home);
		return;
	case SOTTO_ERR_ARGUMENT:
		agent_fail(client, err,
			   "a passphrase is a closed pipe beside the line, with 1 to %d bytes",
			   AGENT_PASSPHRASE_MAX);
		return;
	default:
		agent_fail(client, err, "the vault in %s: %s", home, sotto_err_text(err));
		return;
	}
}

static const char *vault_state(const struct agent *agent)
{
	if (agent->vault != NULL)
		return vault_locked(agent->vault) ? "locked" : "open";
	return os_file_exists(agent->home, PHONE_VAULT_NAME) ? "closed" : "none";
}

void command_hello(struct agent_client *client, const json_t *arguments, int *descriptors,
		   size_t descriptors_count)
{
	struct agent *agent = client->agent;
	json_t *problems = json_array();

	(void)arguments;
	(void)descriptors;
	(void)descriptors_count;
	if (agent->reload_why != SOTTO_OK)
		json_array_append_new(problems,
				      json_sprintf("%s: nothing new is kept or sent; trying again",
						   sotto_err_text(agent->reload_why)));
	agent_done(client, json_pack("{s:i,s:s,s:o,s:o*}", "version", 1, "vault",
				     vault_state(agent), "problems", problems, "resolve",
				     agent_locked(agent) ? NULL : agent_relay_to_resolve(agent)));
}

typedef enum sotto_err vault_fn(const struct vault_config *config, struct bytes passphrase,
				struct vault **vault);

/* Both ways to come by an open vault. */
static void begin(struct agent_client *client, vault_fn *make, const int *descriptors,
		  size_t descriptors_count)
{
	struct vault_config config = vault_configuration();
	struct agent *agent = client->agent;
	struct passphrase passphrase;
	enum sotto_err err;

	TRY(read_passphrase(descriptors, descriptors_count, 0, &passphrase));
	TRY(make(&config, BYTES(passphrase.data, passphrase.len), &agent->vault));
	TRY(agent_start_engines(agent));
	agent_done(client, json_pack("{s:s}", "vault", vault_state(agent)));
out:
	bytes_wipe(&passphrase, sizeof(passphrase));
	if (err == SOTTO_OK)
		return;
	vault_close(agent->vault);
	agent->vault = NULL;
	fail_vault(client, err);
}

void command_create(struct agent_client *client, const json_t *arguments, int *descriptors,
		    size_t descriptors_count)
{
	(void)arguments;
	if (client->agent->vault != NULL)
		fail_vault(client, SOTTO_ERR_EXISTS);
	else
		begin(client, vault_create, descriptors, descriptors_count);
}

void command_open(struct agent_client *client, const json_t *arguments, int *descriptors,
		  size_t descriptors_count)
{
	struct agent *agent = client->agent;

	(void)arguments;
	if (agent->vault != NULL)
		agent_done(client, json_pack("{s:s}", "vault", vault_state(agent)));
	else
		begin(client, vault_open, descriptors, descriptors_count);
}

/* The engines go on with what the ring tables hold: a locked phone receives, acknowledges and rings. */
void command_lock(struct agent_client *client, const json_t *arguments, int *descriptors,
		  size_t descriptors_count)
{
	struct agent *agent = client->agent;

	(void)arguments;
	(void)descriptors;
	(void)descriptors_count;
	if (agent->vault == NULL) {
		agent_fail(client, SOTTO_ERR_STATE, "this phone is not open");
		return;
	}
	vault_lock(agent->vault);
	if (agent->talk != NULL)
		talk_lock(agent->talk);
	agent_clients_lock(agent, client);
	agent_done(client, json_pack("{s:s}", "vault", vault_state(agent)));
}

void command_unlock(struct agent_client *client, const json_t *arguments, int *descriptors,
		    size_t descriptors_count)
{
	struct agent *agent = client->agent;
	struct passphrase passphrase;
	bool was_locked;
	enum sotto_err err;

	if (agent->vault == NULL) {
		command_open(client, arguments, descriptors, descriptors_count);
		return;
	}
	was_locked = vault_locked(agent->vault);
	err = read_passphrase(descriptors, descriptors_count, 0, &passphrase);
	if (err == SOTTO_OK)
		err = vault_unlock(agent->vault, BYTES(passphrase.data, passphrase.len));
	bytes_wipe(&passphrase, sizeof(passphrase));
	if (err == SOTTO_OK && agent->talk == NULL)
		err = agent_start_engines(agent);
	else if (err == SOTTO_OK)
		agent_unlock_engines(agent);
	if (err == SOTTO_OK && agent->talk == NULL)
		err = agent->reload_why;
	/* Not half open: without its engines it stays locked. */
	if (was_locked && agent->talk == NULL)
		vault_lock(agent->vault);
	if (err != SOTTO_OK)
		fail_vault(client, err);
	else
		agent_done(client, json_pack("{s:s}", "vault", vault_state(agent)));
}

void command_passphrase(struct agent_client *client, const json_t *arguments, int *descriptors,
			size_t descriptors_count)
{
	struct agent *agent = client->agent;
	struct passphrase old_one;
	struct passphrase new_one;
	enum sotto_err err;

	(void)arguments;
	if (agent->vault == NULL) {
		agent_fail(client, SOTTO_ERR_STATE, "this phone is not open");
		return;
	}
	err = read_passphrase(descriptors, descriptors_count, 0, &old_one);
	if (err == SOTTO_OK)
		err = read_passphrase(descriptors, descriptors_count, 1, &new_one);
	if (err == SOTTO_OK)
		err = vault_passphrase(agent->vault, BYTES(old_one.data, old_one.len),
				       BYTES(new_one.data, new_one.len));
	bytes_wipe(&old_one, sizeof(old_one));
	bytes_wipe(&new_one, sizeof(new_one));
	if (err != SOTTO_OK)
		fail_vault(client, err);
	else
		agent_done(client, NULL);
}

void command_stop(struct agent_client *client, const json_t *arguments, int *descriptors,
		  size_t descriptors_count)
{
	(void)arguments;
	(void)descriptors;
	(void)descriptors_count;
	agent_done(client, NULL);
	client->agent->stopping = true;
	os_loop_stop(client->agent->loop);
}
