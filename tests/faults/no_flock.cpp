// Preloaded: locks as on a file system whose locks do not reach other nodes (Lustre mounted `localflock`, BeeGFS as shipped).
extern "C" int flock(int, int) { return 0; }
