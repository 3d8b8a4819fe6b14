"""Which preset suits a data folder, and what of it the data change."""
