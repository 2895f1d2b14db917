/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands, and one request through it. */
#include <string.h>

#include "base/assert.h"
#include "peer.h"
#include "reply.h"

#define MANY SIZE_MAX

static const struct {
	const char *name;
	command *run; /* NULL: quit */
	size_t least; /* words behind the name */
	size_t most;
	const char *words;
} commands[] = {
	{"client", peer_client, 2, 2, "<suite> <identity>"},
	{"format", peer_format, 1, 2, "public|private [<padding>]"},
	{"inline_tree", peer_inline_tree, 1, 1, "0|1"},
	{"psk", peer_psk, 2, 2, "<id> <secret>"},
	{"key_package", peer_key_package, 0, 0, ""},
	{"create", peer_create, 1, 1, "<group_id>"},
	{"add", peer_add, 1, MANY, "<kp>..."},
	{"remove", peer_remove, 1, MANY, "<leaf>..."},
	{"update", peer_update, 0, 0, ""},
	{"commit", peer_commit, 0, MANY,
	 "[path] [add:<kp>|remove:<leaf>|psk:<id>|resume:<epoch>]..."},
	{"apply", peer_apply, 0, 0, ""},
	{"drop", peer_drop, 0, 0, ""},
	{"propose", peer_propose, 1, 2, "add <kp>|update|remove <leaf>|psk <id>|resume <epoch>"},
	{"handle", peer_handle, 1, 1, "<msg>"},
	{"join", peer_join, 1, 2, "<welcome> [<tree>]"},
	{"group_info", peer_group_info, 0, 0, ""},
	{"ratchet_tree", peer_ratchet_tree, 0, 0, ""},
	{"external_join", peer_external_join, 1, 2, "<group_info> [<tree>]"},
	{"protect", peer_protect, 2, 2, "<aad> <plaintext>"},
	{"unprotect", peer_unprotect, 1, 1, "<msg>"},
	{"export", peer_export, 3, 3, "<label> <context> <length>"},
	{"authenticator", peer_authenticator, 0, 0, ""},
	{"context", peer_context, 0, 0, ""},
	{"epoch", peer_show_epoch, 0, 0, ""},
	{"leaf", peer_show_leaf, 0, 0, ""},
	{"roster", peer_roster, 0, 0, ""},
	{"quit", NULL, 0, 0, ""},
};

enum sotto_err request_bytes(const struct request *request, size_t index, struct bytes *bytes)
{
	return word_bytes(request->words[index], request->lens[index], bytes);
}

enum sotto_err request_number(const struct request *request, size_t index, uint64_t max,
			      uint64_t *number)
{
	return word_number(request->words[index], max, number);
}

static void run(struct peer *peer, command *function, const struct request *request)
{
	enum sotto_err err = SOTTO_OK;

	if (!peer->begun && function != peer_client) {
		reply_err(peer->reply, "no client yet", "");
		return;
	}
	err = function(peer, request);
	ASSERT(err == SOTTO_OK || !peer->reply->begun);
	if (err != SOTTO_OK)
		reply_err(peer->reply, sotto_err_text(err), "");
}

bool peer_obey(struct peer *peer, struct line *line)
{
	struct request request;

	if (!line_split(line)) {
		reply_err(peer->reply, "words are separated by one space", "");
		return true;
	}
	request = (struct request){line->words + 1, line->word_lens + 1, line->count - 1};
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (strcmp(line->words[0], commands[i].name) != 0)
			continue;
		if (request.count < commands[i].least || request.count > commands[i].most) {
			reply_err(peer->reply, "usage: ", commands[i].name);
			if (commands[i].words[0] != '\0')
				reply_text(peer->reply, commands[i].words);
			return true;
		}
		if (commands[i].run == NULL)
			return false;
		run(peer, commands[i].run, &request);
		return true;
	}
	reply_err(peer->reply, "no such command", "");
	return true;
}
