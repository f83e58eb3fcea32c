/* Load for TFTP servers: so many clients read one file again and again for a while.
 *
 *   tftp_load HOST PORT FILE BLKSIZE WINDOWSIZE CLIENTS MILLISECONDS
 *
 * Prints: bytes received, microseconds, transfers that failed, packets repeated because of silence.
 * Each client is a thread with a blocking socket, as separate machines would be. A windowsize of 1 is not asked for.
 * (RFC 1350, 2347, 2348, 7440.) */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { RRQ = 1, DATA = 3, ACK = 4, ERROR = 5, OACK = 6, LARGEST = 65536, TRIES = 6, BUFFER = 4 << 20 };

struct tally {
    long bytes, failed, repeats;
};

static struct sockaddr_in server;
static const char *file;
static int wanted_size, wanted_window;
static long end;

static long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

static size_t request(unsigned char *out)
{
    size_t n = 2;
    memcpy(out, "\0\1", 2);
    n += sprintf((char *)out + n, "%s", file) + 1;
    n += sprintf((char *)out + n, "octet") + 1;
    n += sprintf((char *)out + n, "blksize") + 1;
    n += sprintf((char *)out + n, "%d", wanted_size) + 1;
    if (wanted_window > 1) {
        n += sprintf((char *)out + n, "windowsize") + 1;
        n += sprintf((char *)out + n, "%d", wanted_window) + 1;
    }
    return n;
}

/* The value of an option in an OACK, or the default. */
static int option(const unsigned char *packet, ssize_t length, const char *name, int otherwise)
{
    const char *at = (const char *)packet + 2, *stop = (const char *)packet + length;
    while (at < stop) {
        const char *value = at + strlen(at) + 1;
        if (value >= stop)
            break;
        if (strcasecmp(at, name) == 0)
            return atoi(value);
        at = value + strlen(value) + 1;
    }
    return otherwise;
}

/* One transfer; returns 0, or -1 when it failed. Ends it with an ERROR when the time is up. */
static int transfer(int fd, unsigned char *packet, struct tally *tally)
{
    unsigned char out[600];
    size_t length = request(out);
    struct sockaddr_in peer, from;
    socklen_t size = sizeof from;
    int known = 0, tries = 0, blksize = 512, window = 1, since = 0, told = 0;
    unsigned short last = 0;

    sendto(fd, out, length, 0, (struct sockaddr *)&server, sizeof server);
    for (;;) {
        ssize_t got = recvfrom(fd, packet, LARGEST + 4, 0, (struct sockaddr *)&from, &size);
        if (got < 0) {
            if ((errno != EAGAIN && errno != EINTR) || ++tries > TRIES)
                return -1;
            tally->repeats++;
            sendto(fd, out, length, 0, (struct sockaddr *)(known ? &peer : &server), sizeof peer);
            continue;
        }
        if (!known) {
            peer = from;
            known = 1;
        } else if (from.sin_port != peer.sin_port || got < 4) {
            continue;
        }
        int opcode = packet[1], done = 0, answer = 0;
        unsigned short block = packet[2] << 8 | packet[3];
        if (opcode == OACK) {
            blksize = option(packet, got, "blksize", 512);
            window = option(packet, got, "windowsize", 1);
            answer = last == 0;
        } else if (opcode == DATA && block == (unsigned short)(last + 1)) {
            last = block;
            tries = told = 0;
            tally->bytes += got - 4;
            done = got - 4 < blksize;
            answer = done || ++since == window;
        } else if (opcode == DATA) { /* a gap, or one again */
            answer = block == last || !told;
            told = 1;
        } else {
            return -1;
        }
        if (answer) {
            since = 0;
            memcpy(out, "\0\4", 2);
            out[2] = last >> 8;
            out[3] = last & 255;
            length = 4;
            if (!done && now() >= end) {
                length = sizeof "\0\5\0\0over" ;
                memcpy(out, "\0\5\0\0over", length);
                done = 1;
            }
            sendto(fd, out, length, 0, (struct sockaddr *)&peer, sizeof peer);
        }
        if (done)
            return 0;
    }
}

static void *client(void *argument)
{
    struct tally *tally = argument;
    struct timeval patience = {1, 0};
    int room = BUFFER;
    unsigned char *packet = malloc(LARGEST + 4);
    while (now() < end) {
        int fd = socket(AF_INET, SOCK_DGRAM, 0);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
        tally->failed += transfer(fd, packet, tally) < 0;
        close(fd);
    }
    free(packet);
    return NULL;
}

int main(int count, char **words)
{
    if (count != 8)
        return fprintf(stderr, "usage: tftp_load HOST PORT FILE BLKSIZE WINDOWSIZE CLIENTS MILLISECONDS\n"), 2;
    server.sin_family = AF_INET;
    inet_pton(AF_INET, words[1], &server.sin_addr);
    server.sin_port = htons(atoi(words[2]));
    file = words[3];
    wanted_size = atoi(words[4]);
    wanted_window = atoi(words[5]);
    int clients = atoi(words[6]);
    long begin = now();
    end = begin + atol(words[7]) * 1000;

    pthread_t *threads = calloc(clients, sizeof *threads);
    struct tally *tallies = calloc(clients, sizeof *tallies), sum = {0, 0, 0};
    for (int i = 0; i < clients; i++)
        pthread_create(&threads[i], NULL, client, &tallies[i]);
    for (int i = 0; i < clients; i++) {
        pthread_join(threads[i], NULL);
        sum.bytes += tallies[i].bytes;
        sum.failed += tallies[i].failed;
        sum.repeats += tallies[i].repeats;
    }
    printf("%ld %ld %ld %ld\n", sum.bytes, now() - begin, sum.failed, sum.repeats);
    return 0;
}
