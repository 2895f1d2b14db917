/* SPDX-License-Identifier: Apache-2.0 */
/* getaddrinfo(3), for the command line alone. */
#include "os/resolve.h"

#include <netdb.h>
#include <string.h>

/* RFC 1035 2.3.4, with terminator. */
#define RESOLVE_NAME_LEN 256

static enum sotto_err resolve_error(int code)
{
	switch (code) {
	case EAI_AGAIN:
		return SOTTO_ERR_AGAIN;
	case EAI_MEMORY:
		return SOTTO_ERR_NO_MEMORY;
	case EAI_NONAME:
	case EAI_FAIL:
		return SOTTO_ERR_NOT_FOUND;
	default:
		return SOTTO_ERR_IO;
	}
}

enum sotto_err os_resolve(const char *host_port, struct os_address addresses[OS_RESOLVE_MAX],
			  size_t *count)
{
	struct addrinfo hints = {
		.ai_flags = AI_ADDRCONFIG,
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
	};
	struct addrinfo *answers = NULL;
	struct os_address port_holder;
	const char *colon = strrchr(host_port, ':');
	char name[RESOLVE_NAME_LEN];
	char port_text[sizeof("0.0.0.0:65535")] = "0.0.0.0";
	size_t found = 0;
	enum sotto_err err;
	int code;

	if (os_address_parse(host_port, &addresses[0]) == SOTTO_OK) {
		*count = 1;
		return SOTTO_OK;
	}
	FAIL_IF(colon == NULL || colon == host_port || host_port[0] == '[', SOTTO_ERR_FORMAT);
	FAIL_IF((size_t)(colon - host_port) >= sizeof(name), SOTTO_ERR_FORMAT);
	FAIL_IF(memchr(host_port, ':', (size_t)(colon - host_port)) != NULL, SOTTO_ERR_FORMAT);
	FAIL_IF(strlen(colon) > strlen(":65535"), SOTTO_ERR_FORMAT);
	memcpy(name, host_port, (size_t)(colon - host_port));
	name[colon - host_port] = '\0';
	/* The port is parsed by the one parser of ports. */
	strcat(port_text, colon);
	TRY(os_address_parse(port_text, &port_holder));
	code = getaddrinfo(name, NULL, &hints, &answers);
	FAIL_IF(code != 0, resolve_error(code));
	for (struct addrinfo *answer = answers; answer != NULL && found < OS_RESOLVE_MAX;
	     answer = answer->ai_next) {
		if (os_address_set(&addresses[found], answer->ai_addr, answer->ai_addrlen) !=
		    SOTTO_OK)
			continue; /* a family that is not IP */
		os_address_set_port(&addresses[found++], os_address_port(&port_holder));
	}
	FAIL_IF(found == 0, SOTTO_ERR_NOT_FOUND);
	*count = found;
	err = SOTTO_OK;
out:
	if (answers != NULL)
		freeaddrinfo(answers);
	return err;
}
