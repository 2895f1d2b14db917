/* SPDX-License-Identifier: Apache-2.0 */
/* sottod: chooses its role, and what the roles share. */
#include "relay/sottod.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "crypto/init.h"
#include "os/sandbox.h"

void sottod_complain(const char *format, ...)
{
	va_list arguments;

	(void)fputs("sottod: ", stderr);
	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	(void)fputc('\n', stderr);
}

enum sotto_err sottod_send(struct os_ipc *ipc, const struct wire_type *type, const void *message)
{
	struct writer writer;
	enum sotto_err err;

	writer_init_growing(&writer, &allocator_default);
	err = wire_encode(type, message, &writer);
	if (err == SOTTO_OK)
		err = os_ipc_send(ipc, writer_bytes(&writer), NULL, 0);
	writer_release(&writer);
	return err;
}

void sottod_tell_failed(struct os_ipc *parent, const char *sentence)
{
	struct wire_child_failed failed = {.sentence = BYTES(sentence, strlen(sentence))};

	/* If even that does not arrive, the parent sees the end of this process. */
	if (sottod_send(parent, &wire_child_failed_type, &failed) != SOTTO_OK)
		sottod_complain("%s", sentence);
}

int main(int argc, char **argv)
{
	struct sottod_options options;
	int code;

	if (os_process_harden() != SOTTO_OK) {
		sottod_complain("this process cannot be protected against others of its user");
		return SOTTOD_EXIT_FAILED;
	}
	if (crypto_init() != SOTTO_OK) {
		sottod_complain("this system gives no random numbers");
		return SOTTOD_EXIT_FAILED;
	}
	if (argc > 1 && strcmp(argv[1], SOTTOD_ROLE_STORE) == 0)
		return sottod_store(argc, argv);
	if (argc > 1 && strcmp(argv[1], SOTTOD_ROLE_NETWORK) == 0)
		return sottod_network(argc, argv);
	code = sottod_options_parse(argc, argv, &options);
	if (code != SOTTOD_EXIT_OK)
		return code < 0 ? SOTTOD_EXIT_OK : code;
	return options.status ? sottod_status(&options) : sottod_parent(&options);
}
