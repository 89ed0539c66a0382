SELECT promotion_id, challenger AS model, champion AS against, verdict, promoted, proven, decided_at, reasons
FROM ljwx.promotions
ORDER BY promotion_id DESC
LIMIT %(newest)s
