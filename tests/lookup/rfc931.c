/* Asks an ident server through libwrap: rfc931 PEER PEER-PORT LOCAL LOCAL-PORT. Prints the user, or "unknown". */

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

extern void rfc931(struct sockaddr *, struct sockaddr *, char *);

int allow_severity, deny_severity;

static int endpoint(struct sockaddr_storage *where, const char *host, const char *port)
{
    struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found;

    if (getaddrinfo(host, port, &hints, &found) != 0)
        return 0;
    memcpy(where, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return 1;
}

int main(int count, char **words)
{
    struct sockaddr_storage peer, local;
    char user[256] = "";

    if (count != 5 || !endpoint(&peer, words[1], words[2]) || !endpoint(&local, words[3], words[4]))
        return 2;
    rfc931((struct sockaddr *) &peer, (struct sockaddr *) &local, user);
    fputs(user, stdout);
    return 0;
}
