/** The process beside one Kamailio; started by src/main.ts. Nothing here is for other packages. */
export {};
