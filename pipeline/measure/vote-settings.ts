/** Neighbours that vote, and the temperature of their weights, as DINO has them (Caron et al. 2021, section 4.1 and its code). */
export const neighbours = 20;
export const voteTemperature = 0.07;
